"""A network's weights as plain bytes: the only thing that leaves a run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from harness.errors import CheckFailed

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.generic]


class TensorSpec(NamedTuple):
    """Name, little-endian numpy dtype and shape of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of the tensor."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class WeightSpec:
    """What the weights of an architecture must look like, in a fixed order."""

    tensors: tuple[TensorSpec, ...]

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> "WeightSpec":
        """Describe given arrays, sorted by name."""
        return cls(
            tuple(
                TensorSpec(name, arrays[name].dtype.str, arrays[name].shape)
                for name in sorted(arrays)
            )
        )

    @classmethod
    def from_json(cls, text: str) -> "WeightSpec":
        """Read what `to_json` wrote."""
        rows = json.loads(text)
        return cls(tuple(TensorSpec(name, dtype, tuple(s)) for name, dtype, s in rows))

    def to_json(self) -> str:
        """Write the specification as JSON."""
        return json.dumps([list(tensor) for tensor in self.tensors])

    @cached_property
    def n_bytes(self) -> int:
        """Bytes of all tensors, one after the other."""
        return sum(tensor.n_bytes for tensor in self.tensors)

    def pack(self, arrays: Mapping[str, Array]) -> bytes:
        """Join arrays into bytes, in this order and these dtypes."""
        return b"".join(
            np.ascontiguousarray(arrays[t.name], dtype=t.dtype).tobytes()
            for t in self.tensors
        )

    def unpack(self, blob: bytes) -> dict[str, Array]:
        """Split bytes into arrays (read-only views).

        Raises
        ------
        ValueError
            If there are too few or too many bytes.
        """
        if len(blob) != self.n_bytes:
            raise ValueError(f"{len(blob)} bytes of weights, not {self.n_bytes}")
        arrays, start = {}, 0
        for tensor in self.tensors:
            flat = np.frombuffer(
                blob[start : start + tensor.n_bytes], dtype=tensor.dtype
            )
            arrays[tensor.name] = flat.reshape(tensor.shape)
            start += tensor.n_bytes
        return arrays

    def first_unusable(self, blob: bytes) -> str | None:
        """Name the first tensor that holds NaN or infinity, or a negative variance."""
        for name, array in self.unpack(blob).items():
            if not np.isfinite(array).all():
                return name
            if name.endswith("running_var") and (array < 0).any():  # type: ignore[operator]
                return name
        return None


def load_weights(network: "nn.Module", weights: Mapping[str, Array]) -> None:
    """Copy arrays into a network of the same architecture."""
    import torch  # noqa: PLC0415 - a second, which most commands do without

    state = {name: torch.from_numpy(np.array(a)) for name, a in weights.items()}
    network.load_state_dict(state)


def stack_weights(models: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Put the weights of K models of one architecture into arrays ``[K, ...]``."""
    return {name: np.stack([model[name] for model in models]) for name in models[0]}


def unstack_weights(stacked: Mapping[str, Array]) -> list[dict[str, Array]]:
    """Take apart what `stack_weights` put together."""
    count = min((len(array) for array in stacked.values()), default=0)
    # A counter has no shape of its own: an array of it, not a number.
    return [{n: np.asarray(a[k]) for n, a in stacked.items()} for k in range(count)]


def relative_distance(
    weights: Mapping[str, Array], start: Mapping[str, Array]
) -> float:
    """Euclidean distance of two sets of weights, over the norm of the second."""
    moved = squared = 0.0
    # A file's tensors come in another order in every process.
    for name, old in sorted(start.items()):
        if np.issubdtype(old.dtype, np.floating):
            before, after = old.astype(np.float64), weights[name].astype(np.float64)
            moved += float(((after - before) ** 2).sum())
            squared += float((before**2).sum())
    return float(np.sqrt(moved / squared))


def read_weights(path: Path) -> dict[str, Array]:
    """Read weights from a safetensors file.

    Raises
    ------
    CheckFailed
        If the file is missing or damaged.
    """
    try:
        arrays: dict[str, Array] = load_safetensors(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise CheckFailed(f"cannot read the weights {path}: {error}.") from None
    return arrays
