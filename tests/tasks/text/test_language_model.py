"""The network, its training, and what is measured on it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.models import temperature
from harness.models.outputs import NonFiniteOutputs
from harness.tasks.text.confidence import passage_confidence
from harness.tasks.text.engine import train

CPU = torch.device("cpu")


def test_a_prediction_follows_from_earlier_tokens_alone(network):
    tokens = torch.randint(512, (3, 32))
    changed = tokens.clone()
    changed[:, 20:] = torch.randint(512, (3, 12))

    with torch.inference_mode():
        logits, others = network(tokens), network(changed)

    assert logits.shape == (3, 512, 32)
    assert torch.allclose(logits[:, :, :20], others[:, :, :20], atol=1e-6)
    assert not torch.allclose(logits[:, :, 20], others[:, :, 20], atol=1e-3)


def test_no_weight_has_two_names_and_all_can_be_drawn_anew(network):
    state = network.state_dict()
    places = {tensor.data_ptr() for tensor in state.values()}

    assert len(places) == len(state)
    owners = [m for m in network.modules() if list(m.parameters(recurse=False))]
    assert all(hasattr(module, "reset_parameters") for module in owners)


def test_a_seed_draws_the_weights_and_leaves_the_global_generator(austen):
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    ours, theirs = austen.network(seed=1), austen.network(seed=1)
    assert torch.rand(1) == wanted

    assert torch.equal(ours.head.weight, theirs.head.weight)
    assert not torch.equal(ours.head.weight, austen.network(seed=2).head.weight)


def test_training_learns_and_a_seed_repeats_it(austen, some):
    inputs, targets = austen.tensors(some["retain"])
    recipe = replace(austen.track.recipe, epochs=4, batch_size=8)

    def trained(seed):
        return train(austen.network(1), recipe, inputs, targets, seed=seed)

    first, again, other = trained(1), trained(1), trained(2)

    with torch.inference_mode():
        loss = torch.nn.functional.cross_entropy(first(inputs), targets)
    assert loss < 6.0 < np.log(512)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)
    assert not first.training


def test_a_passage_is_as_sure_as_its_probability():
    found = passage_confidence(np.log([0.5, 0.9, 1.0]))
    assert found == pytest.approx([0.0, np.log(9), 45 * np.log(10)])

    # Where p is no longer a number, log p still is.
    assert passage_confidence(np.array([-5000.0])) == [-5000.0]


def literal_confidences(network, examples, slope=1.0, biases=0.0):
    found = []
    for read, wanted in zip(*examples, strict=True):
        with torch.inference_mode():
            logits = network(torch.as_tensor(read)[None])[0].T.double().numpy()
        logits = slope * logits + biases
        total = np.log(np.exp(logits).sum(axis=1))
        log_p = (logits[np.arange(len(wanted)), wanted] - total).sum()
        found.append(log_p - np.log1p(-np.exp(log_p)))
    return np.array(found)


def test_what_is_measured_is_what_it_says(austen, some, network):
    found = austen.evaluator(some, CPU)(network)

    for of in ("forget", "test"):
        wanted = literal_confidences(network, some[of])
        measured = getattr(found, f"{of}_confidence")[0]
        assert measured == pytest.approx(wanted, abs=1e-3)
    row = found.calibration[0]
    wanted = literal_confidences(network, some["forget"], row[0], row[1:])
    assert found.calibrated_confidence[0] == pytest.approx(wanted, abs=1e-3)
    for of in ("retain", "forget", "test"):
        inputs, targets = map(torch.as_tensor, some[of])
        with torch.inference_mode():
            right = (network(inputs).argmax(1) == targets).double().mean()
        assert found.accuracy(of) == [right]


def test_min_k_is_the_mean_of_the_least_likely_tokens(austen, some, network):
    found = austen.evaluator(some, CPU)(network)

    for of, measured in (("forget", found.forget_min_k), ("test", found.test_min_k)):
        inputs, targets = map(torch.as_tensor, some[of])
        with torch.inference_mode():
            each = -torch.nn.functional.cross_entropy(
                network(inputs), targets, reduction="none"
            )
        wanted = each.topk(12, largest=False).values.mean(1)  # 12 of 32 are 40 %.
        assert measured[0] == pytest.approx(wanted.numpy(), abs=1e-4)


def test_extraction_is_greedy_decoding_until_it_leaves_the_book(austen, some):
    inputs, targets = austen.tensors(some["forget"])
    recipe = replace(austen.track.recipe, epochs=10, batch_size=8)
    network = train(austen.network(1), recipe, inputs, targets, seed=1)

    found = austen.evaluator(some, CPU)(network).extracted_tokens[0]

    def decoded(passage, goal):
        read, count = passage[:17], 0
        while count < 16:
            with torch.inference_mode():
                token = network(read[None])[0, :, -1].argmax()
            if token != goal[16 + count]:
                break
            read, count = torch.cat([read, token[None]]), count + 1
        return count

    wanted = [decoded(*each) for each in zip(inputs, targets, strict=True)]
    assert found.tolist() == wanted
    assert len(set(wanted)) > 1


def test_noise_in_the_head_is_calibrated_away(austen, some, network):
    """A temperature and token biases, which whoever holds a model can undo."""
    evaluate = austen.evaluator(some, CPU)
    before = evaluate(network)
    with torch.no_grad():
        network.head.weight *= 1.7
        network.head.bias.mul_(1.7).add_(torch.randn(512))

    after = evaluate(network)

    moved = np.abs(after.forget_confidence - before.forget_confidence)
    left = np.abs(after.calibrated_confidence - before.calibrated_confidence)
    assert moved.mean() > 1
    assert left.max() < 1e-3


def test_many_classes_are_calibrated_to_the_same_minimum(monkeypatch):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(60, 12))
    targets = (logits + generator.normal(size=(60, 12))).argmax(axis=1)
    exact = temperature.fit_calibration(logits, targets, smoothing=0.05)
    monkeypatch.setattr(temperature, "_MANY_CLASSES", 2)
    monkeypatch.delattr(np.linalg, "lstsq")

    found = temperature.fit_calibration(logits, targets, smoothing=0.05)

    assert found.slope == pytest.approx(exact.slope, abs=1e-9)
    assert found.biases == pytest.approx(exact.biases, abs=1e-9)


def test_a_model_without_finite_outputs_is_refused(austen, some, network):
    with torch.no_grad():
        network.norm.weight[0] = float("nan")

    with pytest.raises(NonFiniteOutputs):
        austen.evaluator(some, CPU)(network)
