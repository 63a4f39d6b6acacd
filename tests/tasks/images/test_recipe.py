"""The schedule, and that the oracle submission follows it as the engine does."""

import copy
from dataclasses import replace
from types import ModuleType

import pytest
import torch

from harness.run.calibration import oracle_path
from harness.tasks.images.engine import make_training_set, train
from harness.tasks.images.networks import BUILDERS, fresh
from harness.tasks.images.task import NETWORKS
from harness.tasks.loaders import make_loader


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    module = ModuleType("retrain")
    exec(oracle_path().read_text(), module.__dict__)
    return module


@pytest.fixture
def rates(monkeypatch) -> list[dict]:
    """What the optimizer was told at each step."""
    seen: list[dict] = []
    step = torch.optim.SGD.step

    def recorded(self, *args, **kwargs):
        group = self.param_groups[0]
        keys = ("lr", "momentum", "nesterov", "weight_decay", "dampening")
        seen.append({key: group[key] for key in keys})
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", recorded)
    return seen


def schedule(recipe, n_steps) -> list[float]:
    return [recipe.rate_at(step, n_steps) for step in range(n_steps)]


def test_the_rate_rises_to_its_peak_after_the_warmup_and_falls_to_nearly_zero(track):
    rates = schedule(replace(track.recipe, warmup_fraction=0.2), 100)

    peak = rates.index(max(rates))
    assert peak in (19, 20)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0.95 * track.recipe.learning_rate < max(rates) <= track.recipe.learning_rate
    assert 0 < rates[-1] < 0.02 * track.recipe.learning_rate


@pytest.mark.parametrize("n_steps", [1, 2, 3, 7])
@pytest.mark.parametrize("warmup", [0.0, 0.2, 0.99])
def test_every_rate_is_positive_and_at_most_the_peak(track, n_steps, warmup):
    recipe = replace(track.recipe, warmup_fraction=warmup)

    assert all(0 < r <= recipe.learning_rate for r in schedule(recipe, n_steps))


def test_an_epoch_is_as_many_full_batches_as_there_are(track):
    recipe = replace(track.recipe, epochs=3, batch_size=32)

    assert recipe.steps(350) == 3 * 10
    assert recipe.steps(64) == 3 * 2
    assert recipe.steps(20) == 3


def test_the_oracle_takes_the_engines_steps_at_the_engines_rates(
    track, task, split, oracle, rates
):
    stored = task.stored(split.retain)
    training_set = make_training_set(stored, track.recipe.augmentation, CPU)
    train(task.network(seed=0), track.recipe, training_set, seed=0)
    engine = list(rates)
    rates.clear()

    retain = make_loader(*stored, batch_size=7, shuffle=True, transform=task.transform)
    net = task.network(seed=0)
    oracle.unlearning(net, retain, None, None, recipe=track.recipe)

    assert len(engine) == track.recipe.steps(350)
    assert rates == engine
    assert engine[0]["nesterov"]


CPU = torch.device("cpu")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_oracle_starts_from_weights_like_those_of_a_new_network(oracle, name):
    """Same distribution, layer by layer: otherwise it is another recipe."""
    new = fresh(BUILDERS[name], 10, seed=1)
    used = copy.deepcopy(new)
    for tensor in used.state_dict().values():
        tensor.copy_(torch.full_like(tensor, 7))
    torch.manual_seed(2)
    drawn = oracle.fresh(used).state_dict()

    for key, tensor in new.state_dict().items():
        if tensor.is_floating_point() and tensor.numel() > 1000:
            assert float(drawn[key].std() / tensor.std()) == pytest.approx(1, abs=0.1)
        elif "bn" in key or "running" in key:
            assert torch.equal(drawn[key], tensor), key
        assert not (drawn[key] == 7).all(), key


def test_the_oracle_leaves_the_original_model_as_it_is(oracle, task):
    net = task.network(seed=0)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}

    assert oracle.fresh(net) is not net
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])
