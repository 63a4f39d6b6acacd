"""joblib, as it is used here: without its warning, and knowing when it is of no use."""

import warnings

with warnings.catch_warnings():
    # It warns when it is imported, of work that may never be asked for.
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")
    from joblib import Parallel, delayed
    from joblib.parallel import mp

__all__ = ["Parallel", "delayed", "why_serial"]


def why_serial() -> str:
    """Say why joblib does one thing after the other here; nothing if it does not."""
    if mp is not None:
        return ""
    return (
        "this system lets no program make a semaphore (is /dev/shm there and "
        "writable?), so models are made one after the other"
    )
