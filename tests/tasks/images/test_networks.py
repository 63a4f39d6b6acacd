"""The three architectures."""

import sys

import pytest
import torch
from torch import nn

from harness.errors import UnlearnEvalError
from harness.tasks.images.networks import build_network
from harness.track.schema import NETWORKS, NetworkSpec

PARAMETERS = {"small-cnn": 70_954, "resnet9": 6_573_130, "resnet18": 11_181_642}


@pytest.fixture(params=NETWORKS)
def spec(request) -> NetworkSpec:
    return NetworkSpec(name=request.param)


def vector(network) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_it_has_the_documented_number_of_parameters(spec):
    network = build_network(spec, seed=0)

    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[spec.name]


def test_it_gives_ten_finite_logits_an_image(spec):
    network = build_network(spec, seed=0).eval()

    with torch.inference_mode():
        logits = network(torch.randn(2, 3, 32, 32))

    assert logits.shape == (2, 10)
    assert torch.isfinite(logits).all()


def test_its_weights_follow_the_seed_alone(spec):
    first, again, other = (vector(build_network(spec, seed=s)) for s in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_seed_leaves_the_global_generator_alone(spec):
    torch.manual_seed(5)
    untouched = torch.rand(1)
    torch.manual_seed(5)
    build_network(spec, seed=1)

    assert torch.equal(torch.rand(1), untouched)


def test_without_a_seed_the_global_generator_decides():
    spec = NetworkSpec(name="small-cnn")
    torch.manual_seed(1)
    first = vector(build_network(spec))
    torch.manual_seed(1)

    assert torch.equal(vector(build_network(spec)), first)


def test_its_convolutions_are_channels_last(spec):
    weights = [
        m.weight
        for m in build_network(spec, seed=0).modules()
        if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)
    ]

    assert weights
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)


def test_a_torchvision_that_does_not_fit_its_torch_is_told_with_the_remedy(
    monkeypatch, tmp_path
):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(UnlearnEvalError) as caught:
        build_network(NetworkSpec(name="resnet18"), seed=0)

    assert str(caught.value) == (
        "torchvision cannot be imported (operator torchvision::nms does not exist): "
        "install one that fits its torch: "
        "pip install --force-reinstall torch torchvision."
    )
