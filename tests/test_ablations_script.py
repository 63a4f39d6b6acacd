"""The published ablations: what is replaced, and what is said of the differences."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from harness.metrics.uncertainty.paired import paired_difference
from harness.tasks.images.inference import ImageEvaluator
from harness.tasks.images.networks import SmallCNN, fresh
from scripts import ablations
from scripts.ablations import ABLATIONS, Ablation, Repeated, Variant
from tests.metrics.tables import outputs

VARIANTS = {v.name: v for a in ABLATIONS for v in (a.first, a.second)}


@pytest.fixture
def examples():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(6, 3, 32, 32, generator=generator)
    return images, torch.arange(6)


@pytest.fixture
def network():
    return fresh(SmallCNN, 10, seed=3)


def side(shift, seed, models=12):
    rng = np.random.default_rng(seed)
    accuracies = 0.8 + 0.001 * rng.normal(size=(2, models))
    return outputs(rng.normal(shift, 1, (models, 15)), *accuracies)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_variant_replaces_only_what_its_submission_has(variant, examples):
    bench = SimpleNamespace(sets={"retain": examples, "forget": examples})
    source = ablations.SUBMISSIONS / f"{variant.submission}.py"
    names = {"__name__": "submission"}
    exec(compile(source.read_text(), source, "exec"), names)

    assert variant.replaced(bench).keys() <= names.keys()


def test_both_variants_of_an_ablation_are_of_one_submission_and_differ():
    for ablation in ABLATIONS:
        assert ablation.first.submission == ablation.second.submission
        assert ablation.first.name != ablation.second.name


def test_the_layer_with_most_information_is_drawn_anew_and_no_other(network, examples):
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    found = ablations.information(network, layers, examples)
    before = [layer.weight.detach().clone() for layer in layers]

    ablations.fisher_redraw(examples, share=0.2)(network)

    moved = [
        not torch.equal(layer.weight, old)
        for layer, old in zip(layers, before, strict=True)
    ]
    assert moved == [value == max(found) for value in found]


def test_information_is_the_mean_squared_gradient_of_single_examples(network, examples):
    images, targets = examples
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    network.eval()
    squares = []
    for i in range(len(targets)):
        loss = nn.functional.cross_entropy(network(images[i : i + 1]), targets[i, None])
        (gradient,) = torch.autograd.grad(loss, layers[2].weight)
        squares.append(gradient.square().mean().item())
    network.train()

    found = ablations.information(network, layers, examples)

    assert found[2] == pytest.approx(np.mean(squares), rel=1e-5)
    assert network.training


def test_information_leaves_the_weights_and_statistics_alone(network, examples):
    before = {k: v.clone() for k, v in network.state_dict().items()}

    ablations.information(network, [network.stem[0]], examples)

    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_every_second_retain_round_is_left_out():
    steps = ablations.every_second()

    assert [list(steps("abc", 2)) for _ in range(4)] == [[], ["a", "b"]] * 2


def test_each_variant_has_seeds_of_its_own():
    n_models = 64
    places = [ablations.seeds_of(place, n_models) for place in range(len(VARIANTS))]

    assert all(len(seeds) == n_models for seeds in places)
    assert all(a.stop <= b.start for a, b in pairwise(places))
    assert places[0].start >= 64  # those below are tuning's


def repeated(published, first, second) -> Repeated:
    variants = (Variant(n, "finetune", ablations.constants()) for n in ("x", "y"))
    ablation = Ablation("more of it", *variants, published)
    return ablations.repeat(ablation, {"x": first, "y": second}, side(0, 9))


def test_a_difference_with_the_published_sign_holds():
    good, bad = side(0, 1), side(3, 2)

    assert repeated((0.01, 0.09), bad, good).verdict == "holds"
    assert repeated((0.09, 0.01), good, bad).verdict == "holds"


def test_a_difference_with_the_other_sign_is_the_reverse():
    assert repeated((0.09, 0.01), side(3, 2), side(0, 1)).verdict == "the reverse holds"


def test_a_difference_within_the_noise_is_not_separable():
    found = repeated((0.01, 0.09), side(0, 1), side(0, 3))

    assert found.verdict == "not separable"


def test_differences_are_second_minus_first_in_f_and_in_score():
    first, second, bank = side(3, 2), side(0, 1), side(0, 9)

    found = repeated((0.01, 0.09), first, second)

    assert found.quality.quantity == "F"
    assert found.score.quantity == "score"
    wanted = paired_difference(second, first, bank, seed=2023)
    assert found.score.difference == wanted.difference
    assert found.score.low == wanted.low


def test_the_page_says_what_was_published_and_what_is_found():
    page = ablations.report([repeated((0.01, 0.09), side(3, 2), side(0, 1))], 12)

    row = page.splitlines()[-1]
    assert row.startswith("| more of it | 0.0100 → 0.0900 | ")
    assert row.endswith(" | holds |")
    assert "split seed 7, N = 12" in page


class CountingBench:
    """A bench whose runs take no time, and are counted."""

    def __init__(self, examples, network):
        self.sets = dict.fromkeys(("forget", "retain", "test"), examples)
        self.evaluate = ImageEvaluator(self.sets, torch.device("cpu"))
        self.network = network
        self.seeds = []

    def run(self, path, constants, seed):
        self.seeds.append(seed)
        return self.network


def test_runs_that_were_kept_are_not_done_again(examples, network, tmp_path):
    bench = CountingBench(examples, network)
    variant = VARIANTS["clean"]

    first = ablations.unlearned(bench, variant, range(5, 9), tmp_path)
    again = ablations.unlearned(bench, variant, range(5, 9), tmp_path)

    assert bench.seeds == [5, 6, 7, 8]
    assert np.array_equal(first.forget_confidence, again.forget_confidence)
    assert np.array_equal(first.retain_accuracy, again.retain_accuracy)
    assert np.array_equal(first.test_accuracy, again.test_accuracy)
