"""Where files that are kept for a user between runs lie."""

import os
from pathlib import Path

CACHE_VARIABLE = "UNLEARN_EVAL_CACHE"


def cache_root() -> Path:
    """Return the folder that keeps what is fetched or measured once per user.

    It is absolute, and not necessarily there yet.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # noqa: PLC0415 - who names a folder can do without

    return Path(platformdirs.user_cache_dir("unlearn-eval")).absolute()
