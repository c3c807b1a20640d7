from support.api import Composed
from talas_api.identity.rows import account_of
from talas_core.postgres.pool import Database


def test_missing_row_is_no_account() -> None:
    assert account_of(None) is None


async def test_row_becomes_the_account_that_its_owner_sees(
    composed: Composed, db: Database
) -> None:
    user = (await composed.sign_up("ann"))["user"]
    row = await db.row("SELECT *, email_verified_at IS NOT NULL AS email_verified FROM users")
    account = account_of(row)
    assert account is not None
    assert (str(account.id), account.username, account.email, account.email_verified) == (
        user["id"], "ann", "ann@example.com", False,
    )  # fmt: skip
