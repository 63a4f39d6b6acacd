"""A reference bank: outputs of retrained models, and the original model."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.errors import CheckFailed, UsageError
from harness.machine import Machine
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs
from harness.models.records import ModelRecord, stack
from harness.models.weights import Array, read_weights
from harness.storage.files import sha256_of, to_json, write_atomic
from harness.tasks.base import Task

MANIFEST, BANK, ORIGINAL = "manifest.json", "bank.safetensors", "original.safetensors"
#: Of the files: 1 held class logits, test logits in half precision.
FORMAT = 2
_OUTPUTS = tuple(each.name for each in fields(ModelOutputs))


def bank_key(task: Task, seed: int = 0) -> str:
    """Address of a bank: a digest of all that its members depend on."""
    parts = (task.track.hash, task.data_hash, task.engine_version, str(seed), "1")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a bank was made from, as ``manifest.json`` has it.

    `arithmetic` is that of the machines that trained, or ``"mixed"``; `machine` is the
    one that packed. With `half_precision`, test confidences were computed from logits
    in half precision.
    """

    format: int
    key: str
    track: str
    track_hash: str
    data_hash: str
    engine_version: str
    harness_version: str
    seed: int
    n_models: int
    arithmetic: str
    machine: Machine
    numpy: str
    half_precision: bool = False

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Manifest":
        """Read the JSON object; KeyError, TypeError or ValueError if it is not ours."""
        first = document["format"] == 1
        content = {"half_precision": first, **document}
        content["engine_version"] = str(document["engine_version"])
        content["machine"] = Machine(**_typed(Machine, document["machine"]))
        return cls(**_typed(cls, content))


def _typed(kind: type, content: dict[str, Any]) -> dict[str, Any]:
    """Return a dataclass's fields from JSON, each of its own type."""
    found = {}
    for name, wanted in get_type_hints(kind).items():
        found[name] = content[name]
        if type(found[name]) is not wanted:
            raise ValueError(f"{name} in {MANIFEST} is no {wanted.__name__}")
    return found


@dataclass(frozen=True)
class ReferenceBank:
    """Outputs of M retrained models of one track, and of its original model.

    Attributes
    ----------
    folder : Path
        Where it was read from.
    manifest : Manifest
        Hashes, versions, machine and seeds.
    retrained : ModelOutputs
        Of the M models.
    indices, seeds : int64 ``[M]``
        Places and seeds of the models.
    seconds : float64 ``[M]``
        What the training of each took.
    original_member : ModelRecord
        The original model.
    """

    folder: Path
    manifest: Manifest
    retrained: ModelOutputs
    indices: NDArray[np.int64]
    seeds: NDArray[np.int64]
    seconds: NDArray[np.float64]
    original_member: ModelRecord

    def __len__(self) -> int:
        return len(self.retrained)

    @property
    def key(self) -> str:
        """Address of the bank."""
        return self.manifest.key

    @property
    def original(self) -> ModelOutputs:
        """Outputs of the original model, N = 1."""
        return self.original_member.outputs

    @cached_property
    def original_weights(self) -> dict[str, Array]:
        """Weights of the original model A(D)."""
        return read_weights(self.folder / ORIGINAL)

    def member(self, position: int) -> ModelRecord:
        """One retrained model, by its place in the table."""
        return ModelRecord(
            index=int(self.indices[position]),
            seed=int(self.seeds[position]),
            cpu_seconds=float(self.seconds[position]),
            outputs=self.retrained.take([position]),
        )


def stack_members(members: list[ModelRecord], prefix: str = "") -> dict[str, Array]:
    """Stack members into a bank's arrays."""
    outputs = stack(members)
    arrays: dict[str, Array] = {
        "index": np.array([m.index for m in members], dtype=np.int64),
        "seed": np.array([m.seed for m in members], dtype=np.int64),
        "seconds": np.array([m.cpu_seconds for m in members]),
        **{name: getattr(outputs, name) for name in _OUTPUTS},
    }
    return {prefix + name: array for name, array in arrays.items()}


def write_bank(
    folder: Path, manifest: Manifest, arrays: dict[str, Array], original: bytes
) -> None:
    """Write a bank; the manifest comes last, with the sums of the rest."""
    content = {BANK: save(arrays), ORIGINAL: original}
    for name, data in content.items():
        write_atomic(folder / name, data)
    sums = {name: sha256_of(data) for name, data in content.items()}
    write_atomic(folder / MANIFEST, to_json({**asdict(manifest), "sha256": sums}))


def read_bank(folder: Path) -> ReferenceBank:
    """Read a bank; `CheckFailed` if it is damaged, or is not what its sums say."""
    try:
        document = json.loads((folder / MANIFEST).read_text())
        manifest = Manifest.from_document(document)
        sums = dict(document["sha256"])
        content = {name: (folder / name).read_bytes() for name in (BANK, ORIGINAL)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None
    for name, data in content.items():
        if sha256_of(data) != sums.get(name):
            raise CheckFailed(_damaged(folder, f"{name} is not what was written"))
    try:
        arrays = load(content[BANK])
        return _bank(folder, manifest, with_confidences(arrays))
    except (SafetensorError, ValueError, KeyError, UsageError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None


def with_confidences(arrays: dict[str, Array]) -> dict[str, Array]:
    """Compute the confidences of a bank that still holds class logits (format 1)."""
    found = dict(arrays)
    for prefix in ("", "original_"):
        for of in ("forget", "test"):
            logits = found.pop(f"{prefix}{of}_logits", None)
            if logits is not None:
                exact = logits.astype(np.float32)
                confidence = logit_scaled_confidence(exact, arrays[f"{of}_targets"])
                found[f"{prefix}{of}_confidence"] = confidence
    return found


def _bank(folder: Path, manifest: Manifest, arrays: dict[str, Array]) -> ReferenceBank:
    """Check that arrays fit together; raises KeyError, ValueError, UsageError."""
    retrained, original = (
        ModelOutputs(**{name: arrays[prefix + name] for name in _OUTPUTS})  # type: ignore[arg-type]
        for prefix in ("", "original_")
    )
    for name in ("index", "seed", "seconds"):
        for prefix, count in (("", len(retrained)), ("original_", 1)):
            if arrays[prefix + name].shape != (count,):
                raise ValueError(f"{prefix}{name} is not of {count} models")
    if len(original) != 1 or original.n_examples != retrained.n_examples:
        raise ValueError("the original model has other examples")
    return ReferenceBank(
        folder,
        manifest,
        retrained,
        indices=arrays["index"].astype(np.int64),
        seeds=arrays["seed"].astype(np.int64),
        seconds=arrays["seconds"].astype(np.float64),
        original_member=ModelRecord(
            index=-1,
            seed=int(arrays["original_seed"][0]),
            cpu_seconds=float(arrays["original_seconds"][0]),
            outputs=original,
        ),
    )


def _damaged(folder: Path, why: str) -> str:
    names = f"{MANIFEST}, {BANK} and {ORIGINAL}"
    return (
        f"the reference bank in {folder} is damaged ({why}); remove {names} there and "
        "run unlearn-eval reference build, or install the package again."
    )
