import pytest

from talas_api.request.access import PERMISSIONS, Permission, Role, allows


def test_every_role_has_a_row_of_permissions() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_higher_role_has_every_permission_of_a_lower_one() -> None:
    user, moderator, admin = (PERMISSIONS[role] for role in Role)
    assert user < moderator < admin == frozenset(Permission)


@pytest.mark.parametrize("role", ["", "king", "ADMIN", "admin ", "user"])
@pytest.mark.parametrize("permission", Permission)
def test_permission_not_in_the_table_is_refused(role: str, permission: Permission) -> None:
    assert not allows(role, permission)


def test_permission_in_the_table_is_allowed() -> None:
    assert allows("moderator", Permission.LIST_PEOPLE)
    assert not allows("moderator", Permission.CHANGE_ROLES)
    assert allows("admin", Permission.CHANGE_ROLES)
