"""Score machine-unlearning functions the way the NeurIPS'23 competition did.

>>> from harness import score
>>> result = score("submission.py", track="cifar10-quick", n_models=8)
>>> result.metrics.score.value
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import Result, compare, estimate, leaderboard, score, validate
    from harness.track.schema import Track

__version__ = "0.1.0"
__all__ = [
    "Result",
    "Track",
    "compare",
    "estimate",
    "leaderboard",
    "score",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import the API when it is first asked for: the command line starts faster."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "harness.track.schema" if name == "Track" else "harness.api"
    return getattr(import_module(module), name)
