"""A process that has nothing to do without its parent ends with it."""

import os
import sys

from harness.sandbox.child.privileges import die_with_parent


def end_with(parent: int) -> None:
    """Be killed when the thread that started this process ends; on Linux alone.

    Parameters
    ----------
    parent : int
        Process id of the parent, which may have gone already.
    """
    if sys.platform == "linux":
        die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
