"""A finished run, as it is kept: what every metric needs, and no weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.storage.checksums import sealed_arrays, unsealed_arrays
from harness.storage.files import write_atomic

_NUMBERS = (
    "retain_accuracy",
    "forget_accuracy",
    "test_accuracy",
    "cpu_seconds",
    "wall_seconds",
    "peak_bytes",
    "moved",
)


@dataclass(frozen=True)
class FinishedRun:
    """One unlearned model.

    Attributes
    ----------
    index, seed : int
        Which run, and its seed.
    forget_confidence : float32 ``[S]``
        Logit-scaled confidences on the forget set. Every metric is computed from
        what is kept, so that it comes out the same again.
    test_confidence : float32 ``[T]``
        The same on the test set.
    retain_accuracy, forget_accuracy, test_accuracy : float
        In ``[0, 1]``.
    cpu_seconds, wall_seconds, peak_bytes : float
        What the run used.
    moved : float
        Distance of the weights from the original's, over the norm of those.
    weights_sha256 : str
        Hex digest of the weights' bytes.
    """

    index: int
    seed: int
    forget_confidence: NDArray[np.float32]
    test_confidence: NDArray[np.float32]
    retain_accuracy: float
    forget_accuracy: float
    test_accuracy: float
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: float
    moved: float
    weights_sha256: str


def run_path(folder: Path, index: int) -> Path:
    """Where a run is kept until its submission is done."""
    return folder / "runs" / f"{index:05d}.safetensors"


def write_run(folder: Path, run: FinishedRun) -> None:
    """Keep a finished run, whole or not at all."""
    sha = np.frombuffer(bytes.fromhex(run.weights_sha256), dtype=np.uint8)
    content = {
        "identity": np.array([run.index, run.seed], dtype=np.int64),
        "numbers": np.array([float(getattr(run, name)) for name in _NUMBERS]),
        "forget_confidence": run.forget_confidence,
        "test_confidence": run.test_confidence,
        "weights_sha256": sha,
    }
    write_atomic(run_path(folder, run.index), sealed_arrays(content))


def read_run(folder: Path, index: int, seed: int) -> FinishedRun | None:
    """Read a kept run; None if there is none, or it is damaged or of another seed."""
    try:
        arrays = unsealed_arrays(run_path(folder, index).read_bytes())
        identity = [int(number) for number in arrays["identity"]]
        numbers: dict[str, Any] = dict(
            zip(_NUMBERS, map(float, arrays["numbers"]), strict=True)
        )
        if identity != [index, seed]:
            return None
        return FinishedRun(
            index=index,
            seed=seed,
            forget_confidence=arrays["forget_confidence"].astype(np.float32),
            test_confidence=arrays["test_confidence"],
            weights_sha256=arrays["weights_sha256"].tobytes().hex(),
            **numbers,
        )
    except (OSError, KeyError, ValueError):
        return None
