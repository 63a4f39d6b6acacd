"""The step that a GPU records gives the models that the plain engine gives."""

from dataclasses import replace

import pytest
import torch

from harness.tasks.images import engine
from harness.tasks.images.graphed import GraphedTraining

CPU = torch.device("cpu")
SHORT = {"epochs": 1, "batch_size": 70}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def training_set(task, split):
    return engine.make_training_set(task.stored(split.retain), "flip", CPU)


def bits(network):
    return torch.cat([t.flatten().double() for t in network.state_dict().values()])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_model_is_the_same_whatever_was_trained_before(
    task, track, training_set, optimizer
):
    recipe = replace(track.recipe, optimizer=optimizer, learning_rate=0.01, **SHORT)
    recipe = replace(recipe, augmentation="flip-crop", label_smoothing=0.1)
    graphed = GraphedTraining(recipe, training_set, task.network)
    first = bits(graphed.train(1))
    graphed.train(2)

    assert torch.equal(bits(graphed.train(1)), first)
    plain = engine.train(task.network(1), recipe, training_set, seed=1)
    assert not graphed.train(1).training
    torch.testing.assert_close(first, bits(plain), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first, bits(graphed.train(2)), atol=1e-2)


def test_of_sgd_it_is_the_plain_engines_model_to_the_bit(task, track, training_set):
    recipe = replace(track.recipe, **SHORT)
    found = GraphedTraining(recipe, training_set, task.network).train(3)

    plain = engine.train(task.network(3), recipe, training_set, seed=3)
    assert torch.equal(bits(found), bits(plain))
