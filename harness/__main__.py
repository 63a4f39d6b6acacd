"""``unlearn-eval`` from its first moment; ``python -m harness`` is the same."""

import os
import signal
from typing import Any, NoReturn


def main() -> NoReturn:
    """Load the commands, which takes seconds, and run the one that is asked for."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:
        signal.signal(signal.SIGINT, _leave)
    from harness.cli.entry import main as run_command  # noqa: PLC0415

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run_command()


def _leave(*_: Any) -> NoReturn:
    # Nothing has begun, and an exception in the middle of an import may be swallowed.
    os.write(2, b"Interrupted before anything began.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
