"""The evaluator's process measures what the network itself would output."""

import os
import select
import signal

import numpy as np
import pytest
import torch

from harness.evaluator import client
from harness.evaluator.client import Evaluator, write_evaluator_inputs
from harness.models.weights import WeightSpec
from harness.processes import WorkerDied
from harness.tasks.images.inference import evaluate, evaluation_sets, load_weights
from harness.tasks.images.networks import build_network
from harness.tasks.images.normalize import normalize
from harness.tasks.images.splits import split_data


@pytest.fixture(scope="module")
def spec(bank):
    return WeightSpec.of(bank.original_weights)


@pytest.fixture(scope="module")
def evaluator(track, split, spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluator")
    write_evaluator_inputs(folder, split, spec)
    evaluator = Evaluator(track, "cpu", folder)
    yield evaluator
    evaluator.close()


@pytest.fixture
def one_more(track, split, spec, tmp_path):
    """For a test that ends it."""
    write_evaluator_inputs(tmp_path, split, spec)
    evaluator = Evaluator(track, "cpu", tmp_path)
    yield evaluator
    evaluator.close()


@pytest.fixture(scope="module")
def outputs(evaluator, spec, bank):
    return evaluator.evaluate(spec.pack(bank.original_weights))


def test_the_original_model_outputs_what_its_bank_has_stored(outputs, bank):
    stored = bank.original.outputs

    assert np.allclose(outputs.forget_logits, stored.forget_logits, atol=1e-5)
    assert np.allclose(outputs.test_logits, stored.test_logits, atol=1e-2)
    assert outputs[2:] == stored[2:]


def test_accuracies_are_shares_of_right_answers(outputs, split):
    for logits, examples, accuracy in (
        (outputs.forget_logits, split.forget, outputs.forget_accuracy),
        (outputs.test_logits, split.test, outputs.test_accuracy),
    ):
        assert accuracy == (logits.argmax(1) == examples.targets).mean()


def test_logits_are_those_of_each_image_alone(outputs, track, split, bank):
    network = build_network(track.network, seed=0).eval()
    load_weights(network, bank.original_weights)
    with torch.inference_mode():
        alone = network(normalize(split.test.images[17:18])).numpy()

    assert np.allclose(outputs.test_logits[17], alone[0], atol=1e-5)


def test_the_same_weights_give_the_same_bits_whatever_came_before(
    evaluator, outputs, spec, bank
):
    zeros = {name: np.zeros_like(a) for name, a in bank.original_weights.items()}
    nothing = evaluator.evaluate(spec.pack(zeros))

    again = evaluator.evaluate(spec.pack(bank.original_weights))

    assert not nothing.forget_logits.any()
    assert np.array_equal(again.forget_logits, outputs.forget_logits)
    assert np.array_equal(again.test_logits, outputs.test_logits)


def test_bytes_that_are_no_weights_end_the_evaluator_with_a_clear_error(one_more):
    with pytest.raises(WorkerDied, match="unexpectedly: ValueError: 10 bytes"):
        one_more.evaluate(b"no weights")


def test_one_that_hangs_is_given_up_and_replaced(
    one_more, spec, bank, outputs, monkeypatch
):
    weights = spec.pack(bank.original_weights)

    with monkeypatch.context() as patch:
        patch.setattr(client, "_EVALUATION_SECONDS", 0.5)
        select.select([one_more._worker.socket], [], [])  # It has started.
        os.kill(one_more._worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDied, match="outlasted its time limit"):
            one_more.evaluate(weights)
    one_more.restart()

    again = one_more.evaluate(weights)
    assert np.array_equal(again.forget_logits, outputs.forget_logits)


def test_a_network_in_training_mode_is_evaluated_all_the_same(track, cifar10, bank):
    split = split_data(cifar10, track.data)
    network = build_network(track.network, seed=0).train()
    load_weights(network, bank.original_weights)

    outputs = evaluate(network, evaluation_sets(split, torch.device("cpu")))

    assert outputs.forget_accuracy == bank.original.outputs.forget_accuracy
    state = network.state_dict()
    for name, array in bank.original_weights.items():
        assert np.array_equal(state[name].numpy(), array)
