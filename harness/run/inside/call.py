"""Call a submission once. Runs in a process of its own; nothing here is secret."""

import inspect
import linecache
import os
import random
import sys
import traceback
import types
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.network_difference import network_difference
from harness.models.weights import WeightSpec, load_weights
from harness.run.inputs import RUN_SETS, Inputs
from harness.run.inside.gpu import off_the_gpu, on_the_gpu
from harness.run.inside.notebooks import (
    compiled,
    failure_hint,
    put_beside,
    reads_dicts,
)
from harness.run.messages import (
    ARGUMENTS,
    OPTIONAL_ARGUMENTS,
    Failure,
    RunRequest,
    other_task,
)
from harness.run.sections import split
from harness.status import Status
from harness.tasks.base import Task
from harness.tasks.loaders import make_loader

_TRACEBACK_LINES = 20
#: Whatever the letters, so many of them fit into what the harness reads.
_TRACEBACK_LETTERS = 4000
#: What the competition's loaders gave at once; much code has the number in it.
_COMPETITION_BATCH = 64
_OUT_OF_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory")


class Prepared(NamedTuple):
    """Inputs held as tensors, made once, before any submission is known."""

    inputs: Inputs
    spec: WeightSpec
    network: nn.Module
    sets: dict[str, tuple[Tensor, Tensor]]
    #: The sets on the device of the run, where that is not the CPU.
    copies: dict[str, tuple[Tensor, Tensor]] | None = None

    def moved(self) -> "Prepared":
        """Return the same on the run's device; on a CPU there is nothing to do."""
        if not self.inputs.on_gpu:
            return self
        device = torch.device(self.inputs.device)
        network, copies = on_the_gpu(device, self.network, self.sets)
        return self._replace(network=network, copies=copies)


class ContractBroken(Exception):
    """The submission did not keep to the contract; the message says how."""


def call_submission(request: RunRequest, prepared: Prepared) -> bytes | Failure:
    """Call ``unlearning`` and return the weights it made, or why there are none."""
    try:
        load_weights(prepared.network, prepared.inputs.originals[request.original])
        _seed_everything(request.seed)
        module = _load(request)
        _refuse_other_task(module, prepared.inputs.task)
        batches = getattr(module, "BATCHES", None)
        as_dicts = reads_dicts(request.source) if batches is None else batches == "dict"
        arguments, device = _arguments(prepared, as_dicts=as_dicts)
        function = _function(module)
        options = _options(function, request, prepared, device)
        _refuse_misfit(function, arguments, options)
        returned = function(*arguments, **options)
        network = arguments[0] if returned is None else returned
        return _pack(network, prepared.spec)
    except ContractBroken as error:
        return Failure(Status.INVALID, str(error))
    except BaseException as error:
        hint = failure_hint(error, prepared.inputs.task)
        return _failure(error, request.filename, hint)


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _load(request: RunRequest) -> types.ModuleType:
    module = types.ModuleType("submission")
    module.__file__ = request.filename
    sys.modules["submission"] = module
    sys.argv = [request.filename]
    modules, main = split(request.source)
    if modules:
        folder = put_beside(modules)
        sys.path.insert(0, folder)
        # "from .helper import …" works as "from helper import …" does.
        module.__package__, module.__path__ = "submission", [folder]
    entry = (len(main), None, main.splitlines(keepends=True), request.filename)
    linecache.cache[request.filename] = entry
    exec(compiled(main, request.filename), module.__dict__)
    return module


def _refuse_other_task(module: types.ModuleType, task: Task) -> None:
    """Refuse a submission that names the tasks it is for, and this one not."""
    named = getattr(module, "TASKS", ())
    names = [named] if isinstance(named, str) else list(named or ())
    data = task.track.data
    words = other_task(list(map(str, names)), task.kind, data.dataset, task.track.name)
    if words:
        raise ContractBroken(words)


def _function(module: types.ModuleType) -> Any:
    function = getattr(module, "unlearning", None)
    if not callable(function):
        raise ContractBroken("unlearning is not a function once the file has run.")
    return function


def _refuse_misfit(
    function: Any, arguments: list[Any], options: dict[str, Any]
) -> None:
    """Say what is passed where the call would fail before it begins."""
    try:
        inspect.signature(function).bind(*arguments, **options)
    except TypeError as error:
        raise ContractBroken(
            f"unlearning cannot be called ({error}): it is passed "
            f"{', '.join(ARGUMENTS)}, in this order and by any names, and of "
            f"{', '.join(OPTIONAL_ARGUMENTS)} what it names."
        ) from None
    except ValueError:
        pass  # What is written in C tells nothing of its parameters.


def _arguments(prepared: Prepared, *, as_dicts: bool) -> tuple[list[Any], torch.device]:
    device = torch.device(prepared.inputs.device)
    recipe = prepared.inputs.task.track.recipe
    batch_size = _COMPETITION_BATCH if as_dicts else recipe.batch_size
    copies = prepared.copies or prepared.sets
    loaders = [
        make_loader(
            *copies[name],
            batch_size=batch_size,
            shuffle=name != "validation",
            as_dicts=as_dicts,
            for_workers=examples,
            transform=prepared.inputs.task.transform,
        )
        for name, examples in prepared.sets.items()
    ]
    return [prepared.network, *loaders], device


def _options(
    function: Any, request: RunRequest, prepared: Prepared, device: torch.device
) -> dict[str, Any]:
    """Choose the optional arguments that the function names after the first four."""
    offered = {
        "seed": request.seed,
        "device": device,
        "budget_seconds": request.budget_seconds,
        "recipe": prepared.inputs.task.track.recipe,
    }
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    positional = (*by_place, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [each for each in parameters if each.kind in positional][: len(ARGUMENTS)]
    named = [
        each.name
        for each in parameters
        if each.kind not in by_place and each not in taken
    ]
    return {name: offered[name.lower()] for name in named if name.lower() in offered}


def _pack(network: Any, spec: WeightSpec) -> bytes:
    if (
        isinstance(network, dict)
        and network
        and all(map(torch.is_tensor, network.values()))
    ):
        raise ContractBroken(
            "unlearning returned a state dict; it must return the network, or None "
            "when it changed net in place."
        )
    if not isinstance(network, nn.Module):
        raise ContractBroken(
            f"unlearning returned {type(network).__name__}; it must return the "
            "network, or None when it changed net in place."
        )
    state = network.state_dict()
    _compare(state, spec)
    arrays = {
        name: tensor.detach().to("cpu", torch.float32).numpy()
        if tensor.is_floating_point()
        else tensor.detach().cpu().numpy()
        for name, tensor in state.items()
    }
    return spec.pack(arrays)


def _compare(state: dict[str, Any], spec: WeightSpec) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    difference = network_difference(shapes, spec)
    if difference:
        pruned = any(name.endswith(("_orig", "_mask")) for name in shapes)
        hint = " Return net itself, or a network with the same names and shapes."
        if pruned:
            hint = " Undo pruning with torch.nn.utils.prune.remove."
        raise ContractBroken(f"unlearning returned {difference}.{hint}")


def _failure(error: BaseException, filename: str, hint: str) -> Failure:
    words = f"{type(error).__name__}: {error}".strip().rstrip(":")
    first_line = words.partition("\n")[0][:300].rstrip(".")
    status = Status.ERROR
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        phrase in str(error) for phrase in _OUT_OF_MEMORY_WORDS
    ):
        status = Status.OUT_OF_MEMORY
    more = f" ({hint})" if hint else ""
    return Failure(status, f"it raised {first_line}{more}.", _tail(error, filename))


def _tail(error: BaseException, filename: str) -> str:
    """Return the end of the traceback, from the submission's first frame on."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != filename:
        frame = frame.tb_next
    lines = traceback.format_exception(type(error), error, frame)
    tail = "\n".join("".join(lines).strip().splitlines()[-_TRACEBACK_LINES:])
    return tail[-_TRACEBACK_LETTERS:]


def prepare(inputs: Inputs) -> Prepared:
    """Build the original model. Stays off the GPU: its context must not be forked.

    Where there is none, a run that asks for one is told just that.
    """
    with off_the_gpu():
        return _prepared(inputs)


def _prepared(inputs: Inputs) -> Prepared:
    task = inputs.task
    network = task.network(seed=0)
    # Many a submission flattens weights with view(-1), which channels last forbids;
    # the inputs alone make the arithmetic channels last, so no speed is lost.
    network = network.to(memory_format=torch.contiguous_format)
    load_weights(network, inputs.originals[0])
    _import_late_parts()
    # In the order of the arguments, which the file does not keep.
    sets = {name: task.stored(inputs.sets[name]) for name in RUN_SETS}
    return Prepared(inputs, WeightSpec.of(inputs.originals[0]), network.eval(), sets)


def _import_late_parts() -> None:
    """Have torch import what it imports late, at the first step of an optimizer.

    That takes a second, which every run would pay otherwise, and the cheap methods,
    whose whole budget is a second, would pay the most.
    """
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        optimizer([weight], lr=0.1).step()


def leave(code: int) -> None:
    """End the process without running anything more of it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
