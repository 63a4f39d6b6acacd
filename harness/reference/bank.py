"""A reference bank: outputs of retrained models, and the original models."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.errors import CheckFailed, UsageError
from harness.machine import Machine
from harness.models.outputs import MATRICES, Floats, ModelOutputs
from harness.models.records import ModelRecord, stack
from harness.models.weights import Array, read_weights, unstack_weights
from harness.storage.files import sha256_of, to_json, write_atomic
from harness.tasks.base import Indices, Task

MANIFEST, BANK, ORIGINALS = "manifest.json", "bank.safetensors", "originals.safetensors"
#: Of the files: 1 held class logits, 2 no calibrated confidences and one original.
FORMAT = 3
_OUTPUTS = tuple(each.name for each in fields(ModelOutputs))
_OPTIONAL = {*MATRICES[2:], "original"}


def bank_key(task: Task, seed: int = 0) -> str:
    """Address of a bank: a digest of all that its members depend on."""
    models = f"{FORMAT - 1}-{task.track.evaluation.originals}"
    parts = (task.track.hash, task.data_hash, task.engine_version, str(seed), models)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a bank was made from, as ``manifest.json`` has it.

    `arithmetic` is that of the machines that trained, or ``"mixed"``; `machine` is the
    one that packed. With `half_precision`, test confidences and calibrations of the
    retrained models were computed from logits in half precision.
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
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r:.20} is not {FORMAT}")
        content = dict(document)
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
    """Outputs of M retrained models of one track, and of its K original models.

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
    original_members : tuple of ModelRecord
        The original models.
    """

    folder: Path
    manifest: Manifest
    retrained: ModelOutputs
    indices: Indices
    seeds: Indices
    seconds: Floats
    original_members: tuple[ModelRecord, ...]

    def __len__(self) -> int:
        return len(self.retrained)

    @property
    def key(self) -> str:
        """Address of the bank."""
        return self.manifest.key

    @property
    def original(self) -> ModelOutputs:
        """Outputs of the K original models."""
        return stack(self.original_members)

    @cached_property
    def original_weights(self) -> list[dict[str, Array]]:
        """Weights of the original models A(D)."""
        weights = unstack_weights(read_weights(self.folder / ORIGINALS))
        if len(weights) != len(self.original_members):
            why = f"weights of {len(weights)} original models"
            raise CheckFailed(_damaged(self.folder, why))
        return weights

    @cached_property
    def members(self) -> tuple[ModelRecord, ...]:
        """The retrained models one by one."""
        return _records(self.retrained, self.indices, self.seeds, self.seconds)


def stack_members(members: Sequence[ModelRecord], prefix: str = "") -> dict[str, Array]:
    """Stack members into a bank's arrays."""
    outputs = stack(members)
    arrays: dict[str, Array] = {
        "index": np.array([m.index for m in members], dtype=np.int64),
        "seed": np.array([m.seed for m in members], dtype=np.int64),
        "seconds": np.array([m.cpu_seconds for m in members]),
        **{n: a for n, a in vars(outputs).items() if a is not None},
    }
    return {prefix + name: array for name, array in arrays.items()}


def write_bank(
    folder: Path, manifest: Manifest, arrays: dict[str, Array], originals: bytes
) -> None:
    """Write a bank; the manifest comes last, with the sums of the rest."""
    content = {BANK: save(arrays), ORIGINALS: originals}
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
        content = {name: (folder / name).read_bytes() for name in (BANK, ORIGINALS)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None
    for name, data in content.items():
        if sha256_of(data) != sums.get(name):
            raise CheckFailed(_damaged(folder, f"{name} is not what was written"))
    try:
        return _bank(folder, manifest, load(content[BANK]))
    except (SafetensorError, ValueError, KeyError, UsageError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None


def _bank(folder: Path, manifest: Manifest, arrays: dict[str, Array]) -> ReferenceBank:
    """Check that arrays fit together; raises KeyError, ValueError, UsageError."""
    retrained, originals = _models(arrays, ""), _models(arrays, "original_")
    if originals[0].n_examples != retrained[0].n_examples:
        raise ValueError("the original models have other examples")
    return ReferenceBank(folder, manifest, *retrained, _records(*originals))


def _models(
    arrays: dict[str, Array], prefix: str
) -> tuple[ModelOutputs, Indices, Indices, Floats]:
    """Read what `stack_members` stacked."""
    columns: dict[str, Any] = {
        n: arrays.get(prefix + n) if n in _OPTIONAL else arrays[prefix + n]
        for n in _OUTPUTS
    }
    outputs = ModelOutputs(**columns)
    for name in ("index", "seed", "seconds"):
        if arrays[prefix + name].shape != (len(outputs),):
            raise ValueError(f"{prefix}{name} is not of {len(outputs)} models")
    return (
        outputs,
        arrays[f"{prefix}index"].astype(np.int64),
        arrays[f"{prefix}seed"].astype(np.int64),
        arrays[f"{prefix}seconds"].astype(np.float64),
    )


def _records(
    outputs: ModelOutputs, indices: Indices, seeds: Indices, seconds: Floats
) -> tuple[ModelRecord, ...]:
    columns = zip(indices.tolist(), seeds.tolist(), seconds.tolist(), strict=True)
    return tuple(
        ModelRecord(index=i, seed=s, cpu_seconds=t, outputs=outputs.take([position]))
        for position, (i, s, t) in enumerate(columns)
    )


def _damaged(folder: Path, why: str) -> str:
    names = f"{MANIFEST}, {BANK} and {ORIGINALS}"
    return (
        f"the reference bank in {folder} is damaged ({why}); remove {names} there and "
        "run unlearn-eval reference build, or install the package again."
    )
