"""A reference bank: outputs of retrained models, and the original model."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.errors import CheckFailed
from harness.models.outputs import Outputs
from harness.models.weights import Array, read_weights
from harness.reference.member import Member
from harness.storage.files import sha256_of, to_json, write_atomic
from harness.tasks.cifar10 import DATA_HASH
from harness.tasks.images.version import ENGINE_VERSION
from harness.track.schema import Track

MANIFEST, BANK, ORIGINAL = "manifest.json", "bank.safetensors", "original.safetensors"
FORMAT = 1
_NUMBERS = (
    "index",
    "seed",
    "seconds",
    "retain_accuracy",
    "forget_accuracy",
    "test_accuracy",
)


def bank_key(track: Track, seed: int = 0) -> str:
    """Address of a bank: a digest of all that its members depend on."""
    parts = (track.hash, DATA_HASH, str(ENGINE_VERSION), str(seed), str(FORMAT))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReferenceBank:
    """Outputs of M retrained models of one track, and of its original model.

    Attributes
    ----------
    folder : Path
        Where it was read from.
    manifest : dict
        Hashes, versions, machine and seeds.
    arrays : dict of arrays
        ``forget_logits`` float32 ``[M, S, 10]``, ``test_logits`` float16
        ``[M, T, 10]``; ``retain_accuracy``, ``forget_accuracy``, ``test_accuracy``,
        ``seconds`` float64 ``[M]``; ``seed``, ``index`` int64 ``[M]``; the same with
        the prefix ``original_`` and M = 1; and ``forget_targets``, ``test_targets``.
    """

    folder: Path
    manifest: dict[str, Any]
    arrays: dict[str, Array]

    def __len__(self) -> int:
        return len(self.arrays["seed"])

    @property
    def key(self) -> str:
        """Address of the bank."""
        return str(self.manifest["key"])

    @cached_property
    def original_weights(self) -> dict[str, Array]:
        """Weights of the original model A(D)."""
        return read_weights(self.folder / ORIGINAL)

    def accuracy(self, of: str) -> NDArray[np.float64]:
        """Accuracies ``[M]`` on ``"retain"``, ``"forget"`` or ``"test"``."""
        return self.arrays[f"{of}_accuracy"].astype(np.float64)

    def member(self, position: int) -> Member:
        """One retrained model, by its place in the arrays."""
        return _member_at(self.arrays, "", position)

    @property
    def original(self) -> Member:
        """The original model."""
        return _member_at(self.arrays, "original_", 0)


def _member_at(arrays: dict[str, Array], prefix: str, position: int) -> Member:
    def at(name: str) -> Any:
        return arrays[prefix + name][position]

    return Member(
        index=int(at("index")),
        seed=int(at("seed")),
        seconds=float(at("seconds")),
        outputs=Outputs(
            forget_logits=at("forget_logits"),
            test_logits=at("test_logits"),
            retain_accuracy=float(at("retain_accuracy")),
            forget_accuracy=float(at("forget_accuracy")),
            test_accuracy=float(at("test_accuracy")),
        ),
    )


def stack_members(members: list[Member], prefix: str = "") -> dict[str, Array]:
    """Stack members into a bank's arrays; test logits are kept in half precision."""
    outputs = [member.outputs for member in members]
    arrays: dict[str, Array] = {
        "index": np.array([m.index for m in members], dtype=np.int64),
        "seed": np.array([m.seed for m in members], dtype=np.int64),
        "seconds": np.array([m.seconds for m in members]),
        "forget_logits": np.stack([o.forget_logits for o in outputs]),
        "test_logits": np.stack([o.test_logits for o in outputs]).astype(np.float16),
        "retain_accuracy": np.array([o.retain_accuracy for o in outputs]),
        "forget_accuracy": np.array([o.forget_accuracy for o in outputs]),
        "test_accuracy": np.array([o.test_accuracy for o in outputs]),
    }
    return {prefix + name: array for name, array in arrays.items()}


def write_bank(
    folder: Path, manifest: dict[str, Any], arrays: dict[str, Array], original: bytes
) -> None:
    """Write a bank; the manifest comes last, with the sums of the rest."""
    content = {BANK: save(arrays), ORIGINAL: original}
    for name, data in content.items():
        write_atomic(folder / name, data)
    sums = {name: sha256_of(data) for name, data in content.items()}
    write_atomic(folder / MANIFEST, to_json({**manifest, "sha256": sums}))


def read_bank(folder: Path) -> ReferenceBank:
    """Read a bank and check it against its manifest.

    Raises
    ------
    CheckFailed
        If a file is missing, unreadable, or not what its checksum says.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        _require_manifest(manifest)
        sums = dict(manifest["sha256"])
        content = {name: (folder / name).read_bytes() for name in (BANK, ORIGINAL)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None
    for name, data in content.items():
        if sha256_of(data) != sums.get(name):
            raise CheckFailed(_damaged(folder, f"{name} is not what was written"))
    try:
        arrays = load(content[BANK])
        _require_arrays(arrays)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckFailed(_damaged(folder, str(error))) from None
    return ReferenceBank(folder, manifest, arrays)


def _require_manifest(manifest: dict[str, Any]) -> None:
    """Require what others read; raises KeyError, TypeError, ValueError."""
    for key in ("key", "track", "track_hash", "arithmetic"):
        if not isinstance(manifest[key], str):
            raise ValueError(f"{key} in {MANIFEST} is no text")
    for key in ("processor", "torch"):
        if not isinstance(manifest["machine"][key], str):
            raise ValueError(f"machine.{key} in {MANIFEST} is no text")


def _require_arrays(arrays: dict[str, Array]) -> None:
    """Require that arrays fit together; raises KeyError, ValueError."""
    for prefix, count in (("", len(arrays["seed"])), ("original_", 1)):
        for name in _NUMBERS:
            if arrays[prefix + name].shape != (count,):
                raise ValueError(f"{prefix}{name} is not of {count} models")
        for of in ("forget", "test"):
            array, targets = arrays[f"{prefix}{of}_logits"], arrays[f"{of}_targets"]
            fits = array.ndim == 3 and targets.ndim == 1
            if not fits or array.shape[:2] != (count, len(targets)):
                raise ValueError(f"{prefix}{of}_logits has shape {array.shape}")


def _damaged(folder: Path, why: str) -> str:
    names = f"{MANIFEST}, {BANK} and {ORIGINAL}"
    return (
        f"the reference bank in {folder} is damaged ({why}); remove {names} there and "
        "run unlearn-eval reference build, or install the package again."
    )
