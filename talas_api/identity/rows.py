"""An account in a row of the table `users`, for the stores that read one."""

from __future__ import annotations

from talas_api.identity.values import Account
from talas_core.postgres.pool import Row


def account_of(row: Row | None) -> Account | None:
    """The account in a row with its columns and `email_verified`; None for no row."""
    if row is None:
        return None
    return Account(
        id=row["id"],
        username=row["username"],
        email=row["email"],
        role=row["role"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        email_verified=row["email_verified"],
    )
