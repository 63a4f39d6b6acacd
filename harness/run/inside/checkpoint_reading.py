"""Read a checkpoint. Runs only where a submission's code would: confined, and alone.

The bytes come from strangers, and `torch.load` is large. Should a file get past
``weights_only``, it has got no further than a submission gets with its own code.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from harness.models.network_difference import network_difference
from harness.models.weights import Array, WeightSpec
from harness.run.messages import Failure, largest_checkpoint
from harness.status import Status

_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
_PARALLEL = "module."
_GLOBAL = re.compile(r"GLOBAL (\S+)")


class _Refused(Exception):
    """The file is no checkpoint of this network; the message says why."""


def read_checkpoint(content: bytes, spec: WeightSpec) -> bytes | Failure:
    """Turn a checkpoint into the weights that a run would have returned.

    It is what ``torch.save`` writes of a state dict, in any floating precision.
    """
    try:
        _refuse_bomb(content, largest_checkpoint(spec.n_bytes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.BytesIO(content)
            loaded = torch.load(file, map_location="cpu", weights_only=True)
        return _packed(_state_dict(loaded), spec)
    except _Refused as error:
        return Failure(Status.INVALID, str(error))
    except UnpicklingError as error:
        return Failure(Status.INVALID, _refused_pickle(str(error)))
    except MemoryError:
        reason = "it takes too much memory to read."
        return Failure(Status.OUT_OF_MEMORY, reason)
    except Exception as error:
        # A file made for it can fail anywhere in there, and the fault is its own.
        words = f"{type(error).__name__}: {_first_line(error)}"
        return Failure(Status.INVALID, f"it cannot be read ({words}).")


def _refuse_bomb(content: bytes, largest: int) -> None:
    """Refuse a file whose parts unpack to too much, as torch.load would let them."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return  # The format before torch 1.6, which is not compressed.
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _Refused(f"it is damaged ({_first_line(error)}).") from None
    if n_bytes > largest:
        raise _Refused(
            f"it unpacks to {n_bytes / 1e6:.1f} MB; a checkpoint of this track's "
            f"network has at most {largest / 1e6:.1f} MB."
        )


def _refused_pickle(words: str) -> str:
    """Say what torch would not unpickle, which it names at the end of its advice."""
    refused = _GLOBAL.search(words)
    if refused is None:
        _, _, cause = words.partition("WeightsUnpickler error: ")
        return f"it cannot be read ({_first_line(cause or words)})."
    return (
        f"it holds pickled code ({refused[1]}): only plain tensors are read; save "
        "net.state_dict()."
    )


def _state_dict(loaded: object) -> dict[str, Tensor]:
    """Find the tensors by name, in a dict or one level deeper.

    A name that DataParallel has lengthened is shortened again.
    """
    entries = _unwrapped(loaded)
    state = {}
    for name, value in entries.items():
        if not isinstance(name, str):
            raise _Refused(f"it has a {type(name).__name__} for a name.")
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise _Refused(f"{name} in it is no tensor but {kind}.")
        state[name] = value.detach()
    if state and all(name.startswith(_PARALLEL) for name in state):
        return {name.removeprefix(_PARALLEL): value for name, value in state.items()}
    return state


def _unwrapped(loaded: object) -> Mapping[Any, object]:
    if not isinstance(loaded, Mapping):
        raise _Refused(
            f"it holds {type(loaded).__name__} and no state dict; save "
            "net.state_dict()."
        )
    inner = [key for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)]
    if not inner:
        return loaded
    if len(inner) > 1 or any(isinstance(value, Tensor) for value in loaded.values()):
        raise _Refused(
            f"it is not clear which weights of it are meant, those in "
            f"{' or '.join(inner)} or others; save net.state_dict() alone."
        )
    wrapped: Mapping[Any, object] = loaded[inner[0]]
    return wrapped


def _packed(state: dict[str, Tensor], spec: WeightSpec) -> bytes:
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    difference = network_difference(shapes, spec)
    if difference:
        raise _Refused(f"it holds {difference}.")
    wanted = {tensor.name: tensor.dtype for tensor in spec.tensors}
    return spec.pack({n: _array(n, state[n], dtype) for n, dtype in wanted.items()})


def _array(name: str, tensor: Tensor, dtype: str) -> Array:
    """Convert to what the network wants: single precision, or whole numbers."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        raise _Refused(f"{name} in it is no plain tensor.")
    if dtype[1] == "f":
        if not tensor.is_floating_point():
            raise _Refused(f"{name} in it has {tensor.dtype}, not floating numbers.")
        return _as_numpy(tensor.to(torch.float32))
    if tensor.is_floating_point():
        # Counts that were halved with everything else.
        if not bool((torch.isfinite(tensor) & (tensor == tensor.round())).all()):
            raise _Refused(f"{name} in it is no whole number.")
    elif tensor.is_complex() or tensor.is_quantized:
        raise _Refused(f"{name} in it has {tensor.dtype}, not whole numbers.")
    return _as_numpy(tensor.to(torch.int64))


def _as_numpy(tensor: Tensor) -> Array:
    array: Array = tensor.contiguous().numpy()
    return array


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0].rstrip(". ")[:200]
