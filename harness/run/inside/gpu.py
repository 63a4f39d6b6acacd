"""A run's way onto a GPU: after the fork, and before its clock starts.

CUDA fails in every fork of a process that has touched it, were it only to ask whether
there is a GPU. So the template never does, and each run makes a context of its own,
which takes seconds that no submission is charged for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

#: Ways into the driver, by the names that torch's extension gives them.
_DRIVER = ("_cuda_", "_accelerator_")
#: It looks at a variable of torch's own.
_HARMLESS = ("_cuda_isInBadFork",)


@contextmanager
def off_the_gpu() -> Iterator[None]:
    """Keep this process off the driver, whatever asks for it.

    Who asks for a GPU is told that there is none; who uses one fails.
    """
    changed = [*_answers(), *_refusals()]
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in changed]
    try:
        for owner, name, other in changed:
            setattr(owner, name, other)
        yield
    finally:
        for owner, name, own in kept:
            setattr(owner, name, own)


def _answers() -> Iterator[tuple[Any, str, Any]]:
    for owner in (torch.cuda, torch.accelerator):
        yield owner, "is_available", lambda: False
        yield owner, "device_count", lambda: 0
    yield torch.accelerator, "current_accelerator", lambda check_available=False: None


def _refusals() -> Iterator[tuple[Any, str, Any]]:
    for name in dir(torch._C):
        if name.startswith(_DRIVER) and name not in _HARMLESS:
            yield torch._C, name, _refuse
    for name in ("_exchange_device", "_maybe_exchange_device"):
        yield torch.cuda, name, _refuse


def _refuse(*_: Any, **__: Any) -> None:
    raise RuntimeError("a GPU is used where only runs may: their template would spoil")


def on_the_gpu(
    device: torch.device, network: nn.Module, sets: dict[str, tuple[Tensor, Tensor]]
) -> tuple[nn.Module, dict[str, tuple[Tensor, Tensor]]]:
    """Make a context, load its libraries, and copy the network and the sets there."""
    network = network.to(device)
    copies = {
        name: (inputs.to(device), targets.to(device))
        for name, (inputs, targets) in sets.items()
    }
    _load_libraries(device)
    return network, copies


def _load_libraries(device: torch.device) -> None:
    """Have cuDNN, cuBLAS and the thread of the backward pass there. Draws nothing."""
    image = torch.zeros(2, 3, 8, 8, device=device)
    kernel = torch.zeros(4, 3, 3, 3, device=device, requires_grad=True)
    features = nn.functional.conv2d(image, kernel).flatten(1)
    (features @ features.T).sum().backward()  # type: ignore[no-untyped-call]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
