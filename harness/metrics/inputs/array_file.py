"""Anyone's arrays: confidences or logits from an ``.npz`` file, checked.

Logits of a held-out set, where they come along, calibrate each model.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.metrics.inputs.confidence import confidence_pair
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import Floats, ModelOutputs
from harness.models.temperature import fit_calibration

#: What an archive may unpack to; a few kilobytes can claim far more than any memory.
LARGEST_BYTES = 16 << 30
#: Beyond the first bytes an archive unpacks to at most so many times its size; measured
#: numbers hardly get smaller.
_ALWAYS_BYTES, _MOST_TIMES = 256 << 20, 100
_LONGEST = 200
_GROUPS = ("unlearned", "retrained")
_HELD_OUT = ("unlearned_test", "retrained_test", "test_targets")
_KEYS = "unlearned and retrained ([N, S] confidences, or [N, S, C] logits with targets)"


def read_confidences(path: Path) -> tuple[ModelOutputs, ModelOutputs]:
    """Read unlearned and retrained models' confidences, or logits with targets.

    Parameters
    ----------
    path : Path
        An ``.npz`` with ``unlearned`` and ``retrained``, both ``[models, examples]``;
        or both ``[models, examples, classes]`` with ``targets`` ``[examples]``. With
        logits there may be ``unlearned_test``, ``retrained_test`` and ``test_targets``
        of a held-out set, by which each model is calibrated.

    Raises
    ------
    UsageError
        If the file is missing, no ``.npz``, holds pickled objects (which are never
        read), or its arrays do not fit together.
    """
    arrays = _load(path)
    missing = [key for key in _GROUPS if key not in arrays]
    if missing and "forget_confidence" in arrays:
        raise UsageError(
            f"{path} holds the stored confidences of a result, whose figures lie in "
            "result.json beside it; hold it against another with: unlearn-eval compare."
        )
    if missing:
        held = ", ".join(sorted(arrays))[:_LONGEST] or "nothing"
        raise UsageError(
            f"{path} lacks {' and '.join(missing)}: it holds {held}; give {_KEYS}."
        )
    pair = confidence_pair(*(_confidences(arrays, key, path) for key in _GROUPS))
    _require_whole_held_out_set(arrays, path)
    unlearned, retrained = (
        _outputs(arrays, key, each) for key, each in zip(_GROUPS, pair, strict=True)
    )
    return unlearned, retrained


def _require_whole_held_out_set(
    arrays: dict[str, NDArray[np.generic]], path: Path
) -> None:
    missing = [key for key in _HELD_OUT if key not in arrays]
    if len(missing) == len(_HELD_OUT):
        return
    if missing or arrays[_GROUPS[0]].ndim != 3:
        raise UsageError(
            f"{path}: to calibrate models, give {', '.join(_HELD_OUT)} ([N, T, C] "
            "logits and [T]) beside logits of the forget set."
        )
    for key in _GROUPS:
        forget, test = arrays[key].shape, arrays[f"{key}_test"].shape
        if len(test) != 3 or (test[0], test[2]) != (forget[0], forget[2]):
            raise UsageError(
                f"{path}: {key}_test has shape {test} and {key} {forget}; give logits "
                "of the same models for the same classes."
            )


def _outputs(
    arrays: dict[str, NDArray[np.generic]], key: str, confidence: Floats
) -> ModelOutputs:
    """Calibrate each model where a held-out set came along."""
    if _HELD_OUT[0] not in arrays:
        return ModelOutputs(forget_confidence=confidence)
    test, labels = arrays[f"{key}_test"], arrays["test_targets"]
    found = [fit_calibration(logits, labels) for logits in test]
    models = zip(found, arrays[key], strict=True)
    calibrated = np.stack([fit.apply(logits) for fit, logits in models])
    return ModelOutputs(
        forget_confidence=confidence,
        test_confidence=logit_scaled_confidence(test, labels),
        calibrated_confidence=logit_scaled_confidence(calibrated, arrays["targets"]),
        calibration=np.concatenate([fit.row() for fit in found]),
    )


def _confidences(
    arrays: dict[str, NDArray[np.generic]], key: str, path: Path
) -> NDArray[np.generic]:
    shapes = [arrays[each].ndim for each in _GROUPS]
    if arrays[key].dtype.kind not in "fiu":
        raise UsageError(f"{path} holds {arrays[key].dtype} where numbers are needed.")
    if shapes == [2, 2]:
        return arrays[key]
    if shapes != [3, 3]:
        raise UsageError(
            f"{path}: unlearned has shape {arrays['unlearned'].shape} and retrained "
            f"{arrays['retrained'].shape}; give {_KEYS}."
        )
    if "targets" not in arrays:
        raise UsageError(f"{path} holds logits but no targets [S]; add them.")
    # The precision stays as it is: that of logits is part of the metric.
    return logit_scaled_confidence(arrays[key], arrays["targets"])


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
            f"{path} is no readable .npz file ({error!s:.200}); write it with "
            "numpy.savez."
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise UsageError(
                f"{path}: {name:.200} is no array; write it with numpy.savez."
            )
    return arrays


def _require_bounded(content: "np.lib.npyio.NpzFile[Any]", path: Path) -> None:
    archive = content.zip
    n_bytes = sum(entry.file_size for entry in archive.infolist()) if archive else 0
    if n_bytes > LARGEST_BYTES:
        raise UsageError(
            f"{path} unpacks to {n_bytes / 2**30:.0f} GiB; give at most "
            f"{LARGEST_BYTES / 2**30:.0f} GiB: fewer models or examples."
        )
    times = n_bytes // max(1, path.stat().st_size)
    if n_bytes > _ALWAYS_BYTES and times > _MOST_TIMES:
        raise UsageError(
            f"{path} unpacks to {times} times its size ({n_bytes / 2**20:.0f} MiB), as "
            "no measured numbers do; write it with numpy.savez."
        )
