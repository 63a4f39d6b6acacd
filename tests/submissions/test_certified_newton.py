"""The certified method: its algebra, its bounds, and what it claims."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import integrate
from scipy.stats import norm

N_CLASSES, WIDTH = 4, 6


@pytest.fixture
def names(load):
    return load("certified_newton").module({"LAMBDA": 1e-2, "FIT_STEPS": 200})


@pytest.fixture
def data():
    """Inputs of norm at most 1 and targets that depend on them, in two parts."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(300, WIDTH, generator=generator, dtype=torch.float64)
    inputs = inputs / inputs.norm(dim=1, keepdim=True).clamp(min=1)
    noise = torch.rand(300, N_CLASSES, generator=generator)
    targets = (inputs[:, :N_CLASSES] + 0.5 * noise).argmax(1)
    return inputs, targets


def loss(weights, inputs, targets):
    penalty = 1e-2 / 2 * weights.square().sum()
    return F.cross_entropy(inputs @ weights.T, targets) + penalty


def unlearn(names, inputs, targets, n_gone):
    learned = names["fit"](inputs, targets, N_CLASSES)
    total = len(inputs) * names["hessian"](learned, inputs)
    gone = inputs[-n_gone:], targets[-n_gone:]
    return learned, names["newton_step"](learned, total, *gone, len(inputs))


def test_gradient_and_hessian_are_those_of_the_loss(names, data):
    weights = torch.randn(N_CLASSES, WIDTH, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(weights, *data), weights)
    hessian = torch.autograd.functional.hessian(lambda w: loss(w, *data), weights)

    size = N_CLASSES * WIDTH
    free = weights.detach()
    assert torch.allclose(names["mean_gradient"](free, *data), gradient)
    assert torch.allclose(names["hessian"](free, data[0]), hessian.view(size, size))


def test_the_fit_has_no_gradient_left(names, data):
    learned = names["fit"](*data, N_CLASSES)

    assert names["mean_gradient"](learned, *data).norm() < 1e-6


def test_the_newton_step_lands_near_the_fit_without_the_forget_set(names, data):
    learned, unlearned = unlearn(names, *data, n_gone=30)
    retrained = names["fit"](data[0][:-30], data[1][:-30], N_CLASSES)

    before, after = ((w - retrained).norm() for w in (learned, unlearned))
    assert after < 0.05 * before


def test_the_claimed_distance_holds_for_these_data_and_the_worst_case_above_it(
    names, data
):
    for n_gone in (3, 30, 100):
        _, unlearned = unlearn(names, *data, n_gone)
        kept = data[0][:-n_gone], data[1][:-n_gone]
        retrained = names["fit"](*kept, N_CLASSES)
        distance = (unlearned - retrained).norm()
        claimed = names["mean_gradient"](unlearned, *kept).norm() / 1e-2

        assert distance <= claimed + 1e-6
        assert claimed <= names["worst_distance"](300, n_gone)


def test_the_constants_bound_gradients_and_the_hessians_change(names):
    generator = torch.Generator().manual_seed(1)
    names["LAMBDA"] = 0.0
    for _ in range(50):
        inputs = torch.randn(1, WIDTH, generator=generator, dtype=torch.float64)
        inputs = inputs / inputs.norm()
        here, there = 5 * torch.randn(
            2, N_CLASSES, WIDTH, generator=generator, dtype=torch.float64
        )
        gradient = names["mean_gradient"](here, inputs, torch.tensor([0]))
        change = names["hessian"](here, inputs) - names["hessian"](there, inputs)

        assert gradient.norm() <= names["LIPSCHITZ"]
        rate = torch.linalg.matrix_norm(change, 2) / (here - there).norm()
        assert rate <= names["HESSIAN_LIPSCHITZ"]


def test_the_hessians_constant_is_reached(names):
    names["LAMBDA"] = 0.0
    direction = torch.tensor([[1.0], [-1.0]], dtype=torch.float64) / math.sqrt(2)
    inputs = torch.ones(1, 1, dtype=torch.float64)
    place = math.log(2 + math.sqrt(3)) / math.sqrt(2)  # steepest change of p (1 - p)
    step = 1e-4
    ends = [names["hessian"](direction * (place + s), inputs) for s in (-step, step)]

    rate = torch.linalg.matrix_norm(ends[1] - ends[0], 2) / (2 * step)
    assert rate == pytest.approx(names["HESSIAN_LIPSCHITZ"], rel=1e-3)


@pytest.mark.parametrize("shift", [0.01, 0.3, 1.0, 4.0, 30.0])
def test_epsilon_is_exactly_that_of_two_gaussians(names, shift):
    epsilon = names["gaussian_epsilon"](shift)

    # delta(epsilon) is the integral of the positive part of p - e^epsilon q.
    def density(x):
        return max(0.0, norm.pdf(x - shift) - math.exp(epsilon + norm.logpdf(x)))

    crossing = epsilon / shift + shift / 2
    delta, _ = integrate.quad(density, crossing, crossing + 12, epsabs=1e-12)
    assert delta == pytest.approx(1e-5, rel=1e-3)


def test_even_a_huge_shift_has_an_epsilon(names):
    assert names["gaussian_epsilon"](1e12) == pytest.approx(0.5e24, rel=1e-6)


def test_identical_classifiers_cost_no_epsilon(names):
    assert names["gaussian_epsilon"](1e-6) == 0.0


def test_the_classic_formula_is_never_below_it(names):
    for shift in np.linspace(0.01, 0.2, 5):
        classic = shift * math.sqrt(2 * math.log(1.25 / 1e-5))
        assert names["gaussian_epsilon"](shift) <= classic


def test_only_the_classifier_changes(load, bench):
    net = bench.run(load("certified_newton"))

    for name, tensor in net.state_dict().items():
        same = torch.equal(tensor, bench.original.state_dict()[name])
        assert same == (not name.startswith("fc.")), name


def test_it_prints_what_it_claims(load, bench, capsys):
    bench.run(load("certified_newton"))

    printed = capsys.readouterr().out
    assert "epsilon = " in printed
    assert "delta = 1e-05" in printed


def test_features_are_scaled_by_the_validation_set_and_never_longer_than_one(
    load, bench
):
    names = load("certified_newton").module()
    net, sets = bench.network(), bench.sets()
    radius = names["features"](net, net.fc, sets.validation)[0].norm(dim=1).max()
    inputs, targets = names["unit_features"](net, net.fc, sets.retain, radius)

    assert inputs.norm(dim=1).max() <= 1 + 1e-12
    assert inputs.shape == (192, 65)
    assert targets.shape == (192,)


def test_the_installed_classifier_scales_the_features_by_itself(load, bench):
    names = load("certified_newton").module()
    classifier, radius = bench.network().fc, torch.tensor(3.0)
    weights = torch.randn(10, 65)
    names["install"](classifier, weights, radius)

    raw = torch.randn(5, 64)
    scaled = torch.cat([raw / radius, torch.ones(5, 1)], 1) / math.sqrt(2)
    assert torch.allclose(classifier(raw), scaled @ weights.T, atol=1e-5)


def test_without_noise_it_still_knows_the_retain_set(load, bench):
    net = bench.run(load("certified_newton"), SIGMA=1e-9)

    inputs, targets = bench.tensors["retain"]
    assert (net(inputs).argmax(1) == targets).float().mean() > 0.8


def test_the_noise_has_the_stated_size(load, bench):
    first, second = (bench.run(load("certified_newton"), seed=s) for s in (0, 1))
    names = load("certified_newton").module()
    sets = bench.sets()
    radius = names["features"](first, first.fc, sets.validation)[0].norm(dim=1).max()

    difference = (first.fc.weight - second.fc.weight).detach() * radius * math.sqrt(2)
    expected = math.sqrt(2) * names["SIGMA"]
    assert float(difference.std()) == pytest.approx(expected, rel=0.1)
