"""`python -m talas_api [serve | migrate [--down VERSION] | seed [--people N --tokens FILE]]`."""

from __future__ import annotations

from talas_api.command import main

if __name__ == "__main__":
    main()
