"""The command `talas`, and `python -m talas_core` for where that is not installed.

Does:        have Ctrl-C end the process at once and without a word while the modules are loaded.
"""

import signal


def main() -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from talas_core.cli import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
