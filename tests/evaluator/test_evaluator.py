"""The evaluator's process measures what the network itself would output."""

import os
import select
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.evaluator import client
from harness.evaluator.client import EvaluatorProcess, write_evaluator_inputs
from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import NonFiniteOutputs
from harness.models.weights import WeightSpec, load_weights
from harness.processes import WorkerDied
from harness.run.inputs import read_inputs
from harness.tasks.registry import find_task
from harness.tasks.sample import measured_sets
from harness.track import find_track

OUTPUTS = ("forget_confidence", "test_confidence")
ACCURACIES = ("retain_accuracy", "forget_accuracy", "test_accuracy")


@pytest.fixture(scope="module")
def spec(bank):
    return WeightSpec.of(bank.original_weights[0])


@pytest.fixture(scope="module")
def folder(task, split, bank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluator")
    write_evaluator_inputs(folder, task, "cpu", bank.original_weights[0], split)
    return folder


@pytest.fixture(scope="module")
def evaluator(folder):
    evaluator = EvaluatorProcess(folder)
    yield evaluator
    evaluator.close()


@pytest.fixture
def one_more(folder):
    """For a test that ends it."""
    evaluator = EvaluatorProcess(folder)
    yield evaluator
    evaluator.close()


@pytest.fixture(scope="module")
def outputs(evaluator, spec, bank):
    return evaluator.evaluate(spec.pack(bank.original_weights[0]))


@pytest.fixture
def original(task, bank):
    """The original model in this process."""
    network = task.network(seed=0)
    load_weights(network, bank.original_weights[0])
    return network.eval()


def same_bits(ours, theirs) -> bool:
    return all(
        np.array_equal(getattr(ours, name), getattr(theirs, name))
        for name in OUTPUTS + ACCURACIES
    )


def test_the_original_model_outputs_what_its_bank_has_stored(outputs, bank):
    assert len(outputs) == 1
    for name in OUTPUTS:
        ours, stored = getattr(outputs, name), getattr(bank.original, name)
        assert np.allclose(ours, stored, atol=1e-4)
    for name in ACCURACIES:
        assert np.array_equal(getattr(outputs, name), getattr(bank.original, name))


def test_accuracies_are_shares_of_right_answers(outputs, original, task, split):
    for of in ("retain", "forget", "test"):
        inputs, targets = task.tensors(getattr(split, of))
        with torch.inference_mode():
            right = original(inputs).argmax(1) == targets

        assert outputs.accuracy(of)[0] == right.double().mean().item()


def test_of_a_large_retain_set_a_fixed_sample_is_measured(
    task, split, bank, spec, tmp_path
):
    """A bank and the runs have the same one, and it is small."""
    data = replace(task.track.data, retain_sample=40)
    sampled = find_task(replace(task.track, data=data))
    original = bank.original_weights[0]
    write_evaluator_inputs(tmp_path, sampled, "cpu", original, split)

    inputs = read_inputs(tmp_path)

    measured = measured_sets(split, sampled.track.data)
    assert np.array_equal(inputs.sets["retain"].inputs, measured.retain.inputs)
    assert len(measured.retain.targets) == 40
    whole = {image.tobytes() for image in split.retain.inputs}
    assert len({image.tobytes() for image in measured.retain.inputs} & whole) == 40
    other = measured_sets(split, replace(sampled.track.data, split_seed=7))
    assert not np.array_equal(other.retain.inputs, measured.retain.inputs)
    assert sampled.track.hash != task.track.hash
    assert measured_sets(split, task.track.data) is split


def test_confidences_are_those_of_each_image_alone(outputs, original, task, split):
    inputs, _ = task.tensors(split.test)
    with torch.inference_mode():
        alone = original(inputs[199:]).numpy()

    wanted = logit_scaled_confidence(alone, split.test.targets[199:])
    assert outputs.test_confidence[0, -1] == pytest.approx(wanted[0], abs=1e-4)


def test_test_confidences_are_as_many_as_forget_ones(outputs):
    assert outputs.test_confidence.shape == outputs.forget_confidence.shape == (1, 50)


def test_the_same_weights_give_the_same_bits_whatever_came_before(
    evaluator, outputs, spec, bank
):
    zeros = {name: np.zeros_like(a) for name, a in bank.original_weights[0].items()}
    nothing = evaluator.evaluate(spec.pack(zeros))

    again = evaluator.evaluate(spec.pack(bank.original_weights[0]))

    # All ten classes are as likely as each other.
    assert np.allclose(nothing.forget_confidence, -np.log(9))
    assert same_bits(again, outputs)


@pytest.mark.parametrize("value", [1e38, np.inf, np.nan])
def test_outputs_that_are_not_finite_are_told_and_the_next_model_is_measured(
    evaluator, outputs, spec, bank, value
):
    huge = {
        **bank.original_weights[0],
        "fc.weight": bank.original_weights[0]["fc.weight"],
    }
    huge["fc.weight"] = np.full_like(huge["fc.weight"], value)
    if value == 1e38:
        huge["blocks.3.1.weight"] = np.full(64, 1e38, dtype=np.float32)

    with pytest.raises(NonFiniteOutputs, match="outputs are not finite numbers"):
        evaluator.evaluate(spec.pack(huge))

    again = evaluator.evaluate(spec.pack(bank.original_weights[0]))
    assert same_bits(again, outputs)


def test_bytes_that_are_no_weights_end_the_evaluator_with_a_clear_error(one_more):
    with pytest.raises(WorkerDied, match="unexpectedly: ValueError: 10 bytes"):
        one_more.evaluate(b"no weights")


def test_one_that_hangs_is_given_up_and_replaced(
    one_more, spec, bank, outputs, monkeypatch
):
    weights = spec.pack(bank.original_weights[0])

    with monkeypatch.context() as patch:
        patch.setattr(client, "_GRACE_SECONDS", 0.5)
        patch.setattr(client, "_PATIENCE", 0.0)
        select.select([one_more._worker.socket], [], [])  # It has started.
        os.kill(one_more._worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDied, match="outlasted its time limit"):
            one_more.evaluate(weights)
    one_more.restart()

    assert same_bits(one_more.evaluate(weights), outputs)


def test_the_limit_follows_what_an_evaluation_takes(one_more, spec, bank, monkeypatch):
    monkeypatch.setattr(client, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(client, "_PATIENCE", 1e6)

    one_more.evaluate(spec.pack(bank.original_weights[0]))

    # An evaluation of the tiny track takes milliseconds.
    assert 1e3 < one_more._worker.socket.gettimeout() < 1e8


def test_one_that_was_closed_is_not_started_again(one_more):
    one_more.close()

    with pytest.raises(WorkerDied, match="was ended"):
        one_more.restart()


def test_the_inputs_hold_the_test_set_and_no_split_seed(
    track_file, split, bank, tmp_path
):
    private = find_task(find_track(str(track_file), split_seed=471_147))
    write_evaluator_inputs(tmp_path, private, "cpu", bank.original_weights[0], split)

    inputs = read_inputs(tmp_path)

    assert set(inputs.sets) == {"retain", "forget", "test"}
    assert np.array_equal(inputs.sets["test"].inputs, split.test.inputs)
    assert "471147" not in (tmp_path / "inputs.json").read_text()


def test_a_network_in_training_mode_is_evaluated_all_the_same(
    task, split, bank, original
):
    evaluate = task.evaluator(split._asdict(), torch.device("cpu"))

    outputs = evaluate(original.train())

    assert outputs.accuracy("forget") == bank.original.accuracy("forget")
    state = original.state_dict()
    for name, array in bank.original_weights[0].items():
        assert np.array_equal(state[name].numpy(), array)
