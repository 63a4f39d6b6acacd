"""One model as it is kept: outputs and cost, and no weights.

Every metric is computed from what is kept, so that it comes out the same again.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.models.outputs import Floats, ModelOutputs
from harness.storage.checksums import Arrays, arrays_with_checksum, checked_arrays
from harness.storage.files import write_atomic

_OUTPUTS = tuple(each.name for each in fields(ModelOutputs))
_DTYPES = {int: np.int64, float: np.float64}


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelRecord:
    """One trained model, a retrained one or the original; its outputs have N = 1.

    `arithmetic` is that of the machine that made it, where that was told.
    """

    index: int
    seed: int
    outputs: ModelOutputs
    cpu_seconds: float
    arithmetic: str = ""

    @classmethod
    def columns(cls) -> dict[str, Any]:
        """Names and types of what is kept of a model besides its outputs."""
        declared = get_type_hints(cls)
        return {name: kind for name, kind in declared.items() if name != "outputs"}

    @classmethod
    def optional(cls) -> frozenset[str]:
        """Columns that are left out where there is nothing in them."""
        return frozenset(f.name for f in fields(cls) if f.default is not MISSING)

    def arrays(self) -> Arrays:
        """Lay out as named arrays."""
        arrays: Arrays = {}
        for name, kind in self.columns().items():
            value = getattr(self, name)
            if name in self.optional() and not value:
                continue
            if kind is str:
                arrays[name] = np.frombuffer(value.encode(), dtype=np.uint8)
            else:
                arrays[name] = np.array(value, dtype=_DTYPES.get(kind, np.float64))
        for name in _OUTPUTS:
            column = getattr(self.outputs, name)
            if column is not None:
                arrays[name] = compact(column)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Read what `arrays` laid out; others beside it are left alone.

        Raises
        ------
        KeyError, ValueError, UsageError
            If something is missing, or is no output of one model.
        """
        values: dict[str, Any] = {}
        for name, kind in cls.columns().items():
            if name in cls.optional() and name not in arrays:
                continue
            array = arrays[name]
            if kind is str:
                values[name] = array.tobytes().decode()
            elif kind not in _DTYPES:
                values[name] = tuple(array.astype(np.float64, casting="safe").tolist())
            else:
                values[name] = array.astype(_DTYPES[kind], casting="safe").item()
        columns: dict[str, Any] = {name: arrays.get(name) for name in _OUTPUTS}
        outputs = ModelOutputs(**columns)
        if len(outputs) != 1:
            raise ValueError(f"it holds outputs of {len(outputs)} models")
        return cls(outputs=outputs, **values)


@dataclass(frozen=True, eq=False, kw_only=True)
class RunRecord(ModelRecord):
    """One finished run: an unlearned model.

    `moved` is the distance of its weights from the original's over the norm of those.
    Of a run on a cluster `machine` is where it was made, and `retraining_seconds` what
    retrainings cost there.
    """

    wall_seconds: float
    peak_bytes: int
    moved: float
    weights_sha256: str
    machine: str = ""
    retraining_seconds: tuple[float, ...] = ()


def unexplained_seconds(cpu_seconds: float, wall_seconds: float) -> float:
    """Return the wall seconds of a run that its CPU seconds cannot explain.

    What computes all the time needs no more of them than three times those, and a
    second; beyond, it waited.
    """
    return max(0.0, wall_seconds - 3.0 * cpu_seconds - 1.0)


R = TypeVar("R", bound=ModelRecord)


def compact(array: Floats) -> NDArray[np.float32] | Floats:
    """Keep numbers in single precision where they come back to the bit."""
    single = array.astype(np.float32)
    return single if np.array_equal(single, array) else array


def record_path(folder: Path, index: int) -> Path:
    """Where a model is kept until its set is complete."""
    return folder / f"{index:05d}.safetensors"


def write_record(path: Path, record: ModelRecord) -> None:
    """Keep a model, whole or not at all."""
    write_atomic(path, arrays_with_checksum(record.arrays()))


def read_record(path: Path, kind: type[R]) -> R | None:
    """Read a kept model; None if there is none, or it is damaged."""
    try:
        return kind.from_arrays(checked_arrays(path.read_bytes()))
    except (OSError, KeyError, TypeError, ValueError, UsageError):
        return None


def stack(records: Sequence[ModelRecord]) -> ModelOutputs:
    """Put the outputs of models below each other."""
    return ModelOutputs.stack([record.outputs for record in records])
