"""Models of a bank, as they are kept on disk while the bank grows."""

from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.models.records import ModelRecord, record_path, write_record
from harness.models.weights import Array
from harness.storage.checksums import arrays_with_checksum, checked_arrays
from harness.storage.files import write_atomic

#: How the names of an original model's weights begin.
_WEIGHTS = "weights."


def member_path(folder: Path, index: int) -> Path:
    """Where a member is kept until its bank is packed."""
    return record_path(folder / "members", index)


def member_paths(folder: Path) -> list[Path]:
    """Where members are kept now."""
    return sorted((folder / "members").glob("[0-9]*.safetensors"))


def original_path(folder: Path, index: int) -> Path:
    """Where an original model is kept, with its weights, until its bank is packed."""
    return folder / "members" / f"original-{-1 - index}.safetensors"


def kept_path(folder: Path, index: int) -> Path:
    """Where a model is kept until its bank is packed; those below 0 are originals."""
    return original_path(folder, index) if index < 0 else member_path(folder, index)


def write_original(
    path: Path, record: ModelRecord, weights: Mapping[str, Array]
) -> None:
    """Keep the finished original model, whole or not at all."""
    named = {_WEIGHTS + name: array for name, array in weights.items()}
    write_atomic(path, arrays_with_checksum({**record.arrays(), **named}))


def keep_member(
    folder: Path, member: ModelRecord, weights: Mapping[str, Array]
) -> None:
    """Write a model to its place, an original one with its weights."""
    path = kept_path(folder, member.index)
    if member.index < 0:
        write_original(path, member, weights)
    else:
        write_record(path, member)


def read_original(path: Path) -> tuple[ModelRecord, dict[str, Array]] | None:
    """Read the kept original model; None if there is none or it is damaged."""
    try:
        arrays = checked_arrays(path.read_bytes())
        record = ModelRecord.from_arrays(arrays)
    except (OSError, KeyError, ValueError, TypeError, UsageError):
        return None
    return record, {
        name.removeprefix(_WEIGHTS): array
        for name, array in arrays.items()
        if name.startswith(_WEIGHTS)
    }
