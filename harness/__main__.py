"""``python -m harness`` is ``unlearn-eval``."""

from harness.cli.entry import main

if __name__ == "__main__":
    main()
