"""The command `talas`, and `python -m talas_core` for where that is not installed.

Does:        have Ctrl-C end the process at once and without a word while the modules are loaded;
             where it is to be ignored (`nohup`, `&` in a script), leave it so.
"""

import signal


def main() -> None:
    """Run the command line and exit."""
    heeded = signal.getsignal(signal.SIGINT) != signal.SIG_IGN
    if heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from talas_core.cli import main as run

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
