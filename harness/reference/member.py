"""One model of a bank, as it is kept on disk while the bank grows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.models.outputs import ModelOutputs
from harness.models.weights import Array
from harness.storage.checksums import Arrays, sealed_arrays, unsealed_arrays
from harness.storage.files import write_atomic

#: The original model is kept under this name, with its weights.
_ORIGINAL, _WEIGHTS, _OUTPUTS = "original.safetensors", "weights.", "outputs."


@dataclass(frozen=True)
class Member:
    """A trained model's place in the bank, seed, cost in CPU seconds, one-row table."""

    index: int
    seed: int
    seconds: float
    outputs: ModelOutputs


def member_path(folder: Path, index: int) -> Path:
    """Where a member is kept until its bank is packed."""
    return folder / "members" / f"{index:05d}.safetensors"


def member_paths(folder: Path) -> list[Path]:
    """Where members are kept now."""
    return sorted((folder / "members").glob("[0-9]*.safetensors"))


def write_member(path: Path, member: Member) -> None:
    """Keep a finished member, whole or not at all."""
    write_atomic(path, sealed_arrays(_content(member)))


def read_member(path: Path) -> Member | None:
    """Read a kept member; None if there is none or it is damaged."""
    try:
        return _member(unsealed_arrays(path.read_bytes()))
    except (OSError, KeyError, ValueError, TypeError, UsageError):
        return None


def original_path(folder: Path) -> Path:
    """Where the original model is kept until its bank is packed."""
    return folder / "members" / _ORIGINAL


def write_original(path: Path, member: Member, weights: Mapping[str, Array]) -> None:
    """Keep the finished original model, whole or not at all."""
    named = {_WEIGHTS + name: array for name, array in weights.items()}
    write_atomic(path, sealed_arrays({**_content(member), **named}))


def read_original(path: Path) -> tuple[Member, dict[str, Array]] | None:
    """Read the kept original model; None if there is none or it is damaged."""
    try:
        arrays = unsealed_arrays(path.read_bytes())
        member = _member(arrays)
    except (OSError, KeyError, ValueError, TypeError, UsageError):
        return None
    return member, {
        name.removeprefix(_WEIGHTS): array
        for name, array in arrays.items()
        if name.startswith(_WEIGHTS)
    }


def _content(member: Member) -> dict[str, Array]:
    outputs = {n: a for n, a in vars(member.outputs).items() if a is not None}
    return {
        "identity": np.array([member.index, member.seed], dtype=np.int64),
        "seconds": np.array([member.seconds]),
        **{_OUTPUTS + name: array for name, array in outputs.items()},
    }


def _member(arrays: Arrays) -> Member:
    index, seed = (int(number) for number in arrays["identity"])
    outputs = {
        name.removeprefix(_OUTPUTS): array
        for name, array in arrays.items()
        if name.startswith(_OUTPUTS)
    }
    return Member(index, seed, float(arrays["seconds"][0]), ModelOutputs(**outputs))
