"""Anyone's arrays: confidences or logits from an ``.npz`` file, checked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.metrics.inputs.confidence import ConfidencePair, logit_scaled_confidence

#: What an archive may unpack to; a few kilobytes can claim far more than any memory.
LARGEST_BYTES = 16 << 30
_KEYS = "unlearned and retrained ([N, S] confidences, or [N, S, C] logits with targets)"


def read_confidences(path: Path) -> ConfidencePair:
    """Read a file of confidences, or of logits with targets.

    Parameters
    ----------
    path : Path
        An ``.npz`` with ``unlearned`` and ``retrained``, both ``[models, examples]``;
        or both ``[models, examples, classes]`` with ``targets`` ``[examples]``.

    Raises
    ------
    UsageError
        If the file is missing, no ``.npz``, holds pickled objects (which are never
        read), or its arrays do not fit together.
    """
    arrays = _load(path)
    missing = [key for key in ("unlearned", "retrained") if key not in arrays]
    if missing:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise UsageError(
            f"{path} lacks {' and '.join(missing)}: it holds {held}; give {_KEYS}."
        )
    unlearned, retrained = arrays["unlearned"], arrays["retrained"]
    if unlearned.ndim == 2 and retrained.ndim == 2:
        return ConfidencePair(_floats(unlearned, path), _floats(retrained, path))
    if unlearned.ndim != 3 or retrained.ndim != 3:
        raise UsageError(
            f"{path}: unlearned has shape {unlearned.shape} and retrained "
            f"{retrained.shape}; give {_KEYS}."
        )
    if "targets" not in arrays:
        raise UsageError(f"{path} holds logits but no targets [S]; add them.")
    targets = arrays["targets"]
    return ConfidencePair(
        logit_scaled_confidence(_numbers(unlearned, path), targets),
        logit_scaled_confidence(_numbers(retrained, path), targets),
    )


def _numbers(array: NDArray[np.generic], path: Path) -> NDArray[np.generic]:
    """Leave the precision as it is: that of logits is part of the metric."""
    if array.dtype.kind not in "fiu":
        raise UsageError(f"{path} holds {array.dtype} where numbers are needed.")
    return array


def _floats(array: NDArray[np.generic], path: Path) -> NDArray[np.float64]:
    return _numbers(array, path).astype(np.float64)


def _load(path: Path) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise UsageError(f"there is no file {path}; give an .npz file of arrays.")
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise UsageError(f"{path} is one array; give an .npz with {_KEYS}.")
            _require_bounded(content, path)
            arrays = {name: content[name] for name in content.files}
    except UsageError:
        raise
    except Exception as error:
        # A damaged archive fails in more ways than can be listed: zlib, struct, tokens.
        if "Object arrays" in str(error):
            raise UsageError(
                f"{path} holds pickled objects, which are never read; save plain "
                "numbers."
            ) from None
        raise UsageError(
            f"{path} is no readable .npz file ({error}); write it with numpy.savez."
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{path}: {name} is no array; write it with numpy.savez.")
    return arrays


def _require_bounded(content: "np.lib.npyio.NpzFile[Any]", path: Path) -> None:
    archive = content.zip
    n_bytes = sum(entry.file_size for entry in archive.infolist()) if archive else 0
    if n_bytes > LARGEST_BYTES:
        raise UsageError(
            f"{path} unpacks to {n_bytes / 2**30:.0f} GiB; give at most "
            f"{LARGEST_BYTES / 2**30:.0f} GiB: fewer models or examples."
        )
