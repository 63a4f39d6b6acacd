"""The state dict of a real small network, its specification, and zips of any kind."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.models.weights import Array, WeightSpec
from harness.run.inside.checkpoint_reading import read_checkpoint
from harness.run.messages import Failure
from harness.tasks.registry import find_task
from harness.track import find_track

State = dict[str, Tensor]


@pytest.fixture
def state() -> State:
    network = find_task(find_track("cifar10-quick")).network(seed=3)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture
def spec(state) -> WeightSpec:
    return WeightSpec.of({name: tensor.numpy() for name, tensor in state.items()})


@pytest.fixture
def arrays(spec, saved) -> Callable[[object], dict[str, Array]]:
    """Read what must be readable: the arrays that a scoring would get."""

    def read(content: object, **options: Any) -> dict[str, Array]:
        packed = read_checkpoint(saved(content, **options), spec)
        assert isinstance(packed, bytes), packed
        return spec.unpack(packed)

    return read


@pytest.fixture
def refusal(spec, saved) -> Callable[[object], Failure]:
    """Read what must be refused: why it is."""

    def read(content: object) -> Failure:
        data = content if isinstance(content, bytes) else saved(content)
        failure = read_checkpoint(data, spec)
        assert isinstance(failure, Failure)
        return failure

    return read


@pytest.fixture
def make_zip(tmp_path) -> Callable[..., Path]:
    """Writes a zip of given names and contents."""

    def make(files: Mapping[str, bytes], **options: Any) -> Path:
        path = tmp_path / "submission.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


def half(state: State) -> State:
    """What Kaggle's participants saved to keep 512 of them small."""
    return {n: t.half() if t.is_floating_point() else t for n, t in state.items()}


@pytest.fixture
def halved(state) -> State:
    return half(state)


@pytest.fixture
def network() -> torch.nn.Module:
    return find_task(find_track("cifar10-quick")).network(seed=3)
