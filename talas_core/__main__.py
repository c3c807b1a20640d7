"""`python -m talas_core` is the command line, for where the `talas` script is not installed."""

from talas_core.cli import main

main()
