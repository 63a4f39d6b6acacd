"""The architectures."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.errors import UnlearnEvalError, UsageError
from harness.tasks.images.task import NETWORKS
from harness.tasks.registry import find_task
from harness.track.schema import NetworkSpec

PARAMETERS = {
    "small-cnn": 70_954,
    "whitened-cnn": 157_114,
    "wide-whitened-cnn": 1_972_538,
    "resnet9": 6_573_130,
    "resnet18": 11_181_642,
}


@pytest.fixture
def task_of(track):
    """Makes the tiny track's task with another network."""
    return lambda name: find_task(replace(track, network=NetworkSpec(name=name)))


@pytest.fixture(params=NETWORKS)
def each(request, task_of):
    """A task with each of the networks."""
    return task_of(request.param)


def vector(network) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_it_has_the_documented_number_of_parameters(each):
    network = each.network(seed=0)

    assert (
        sum(p.numel() for p in network.parameters())
        == PARAMETERS[each.track.network.name]
    )


def test_it_gives_ten_finite_logits_an_image(each):
    network = each.network(seed=0).eval()

    with torch.inference_mode():
        logits = network(torch.randn(2, 3, 32, 32))

    assert logits.shape == (2, 10)
    assert torch.isfinite(logits).all()


def test_its_weights_follow_the_seed_alone(each):
    first, again, other = (vector(each.network(seed=s)) for s in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_seed_leaves_the_global_generator_alone(each):
    torch.manual_seed(5)
    untouched = torch.rand(1)
    torch.manual_seed(5)
    each.network(seed=1)

    assert torch.equal(torch.rand(1), untouched)


def test_without_a_seed_the_global_generator_decides(task):
    torch.manual_seed(1)
    first = vector(task.network())
    torch.manual_seed(1)

    assert torch.equal(vector(task.network()), first)


def test_an_unknown_network_is_refused_with_those_that_are_known(task_of):
    with pytest.raises(UsageError) as caught:
        task_of("vgg")

    assert str(caught.value) == (
        "network.name = 'vgg' is not legal: it must be one of small-cnn, "
        "whitened-cnn, wide-whitened-cnn, resnet9, resnet18, or an import path "
        "module:function."
    )


def test_the_whitening_is_orthonormal_and_known_to_nobodys_weights(task_of):
    """So it can hold nothing of any image, and no submission can lose or change it."""
    network = task_of("whitened-cnn").network(seed=0)
    kernels = network.stem[0].kernels.flatten(1)

    assert torch.allclose(kernels[:12] @ kernels[:12].T, torch.eye(12), atol=1e-6)
    assert torch.equal(kernels[12:], -kernels[:12])
    named = [*network.state_dict(), *dict(network.named_parameters())]
    assert not [name for name in named if "kernels" in name]


def test_its_convolutions_are_channels_last(each):
    weights = [
        m.weight
        for m in each.network(seed=0).modules()
        if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)
    ]

    assert weights
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


def test_a_torchvision_that_does_not_fit_its_torch_is_told_with_the_remedy(
    monkeypatch, tmp_path, task_of
):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(UnlearnEvalError) as caught:
        task_of("resnet18").network(seed=0)

    assert str(caught.value) == (
        "torchvision cannot be imported (operator torchvision::nms does not exist): "
        "install one that fits its torch: "
        "pip install --force-reinstall torch torchvision."
    )
