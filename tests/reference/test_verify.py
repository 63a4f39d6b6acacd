"""A bank that is what it says is verified; one that was tampered with is not."""

import numpy as np
import pytest

from harness.reference.verify import verify_bank


@pytest.fixture
def verify(track):
    def make(bank, n_models=2, seed=0):
        return verify_bank(bank, track, n_models, seed=seed, data_dir=None)

    return make


@pytest.fixture
def elsewhere(rewrite):
    """The bank as if it had been made on another kind of machine."""
    return lambda **arrays: rewrite({"arithmetic": "elsewhere"}, **arrays)


def test_here_it_comes_out_the_same_to_the_bit(verify, bank):
    verification = verify(bank)

    assert verification.ok
    assert verification.same_bits == 3
    assert verification.lines[0] == "original model 0: same to the bit"
    assert verification.lines[-1] == "all 8 stored members lie together"


def test_other_members_are_looked_at_each_time(verify, bank):
    """A forger cannot know which."""
    lines = {verify(bank, n_models=1, seed=s).lines[1] for s in range(3)}

    assert len(lines) > 1


def test_members_whose_outputs_were_changed_fail_despite_correct_checksums(
    verify, rewrite, arrays
):
    changed = ("forget_confidence", "test_confidence", "retain_accuracy", "seed")
    other = {name: arrays[name].copy() for name in changed}
    for place, array in enumerate(other.values()):
        step = -0.125 if array.ndim == 1 and array.dtype.kind == "f" else 1
        array.reshape(8, -1)[2 * place, 0] += array.dtype.type(step)

    verification = verify(rewrite(**other), n_models=8)

    assert not verification.ok
    differ = [line for line in verification.lines if "DIFFERS" in line]
    assert [line.split()[2] for line in differ] == ["0:", "2:", "4:", "6:"]
    assert verification.same_bits == 5


def test_an_original_model_whose_weights_were_changed_fails(verify, rewrite, bank):
    bias = bank.original_weights[0]["fc.bias"][None].copy()
    bias[0, 0] += 1e-3

    verification = verify(rewrite(original={"fc.bias": bias}), n_models=1)

    assert not verification.ok
    assert verification.lines[0].startswith("original model 0: DIFFERS")


def test_confidences_from_half_precision_may_differ_by_its_rounding_alone(
    verify, rewrite, arrays
):
    """As those of the shipped bank do: its test logits were kept in half precision."""
    exact = arrays["test_confidence"]

    near = verify(rewrite({"half_precision": True}, test_confidence=exact + 0.01))
    far = verify(rewrite({"half_precision": True}, test_confidence=exact + 0.1))
    whole = verify(rewrite({"half_precision": False}, test_confidence=exact + 0.01))

    assert near.ok
    assert near.same_bits == 3
    assert not far.ok
    assert not whole.ok


def test_on_another_kind_of_machine_a_true_bank_is_verified_by_its_distribution(
    verify, elsewhere, arrays
):
    """Noise as other arithmetic makes it: no bit is the same, no model is another."""
    confidence = arrays["forget_confidence"]
    noise = np.random.default_rng(0).normal(0, 1e-3, confidence.shape)

    verification = verify(elsewhere(forget_confidence=confidence + noise))

    assert verification.ok
    assert "sd from the bank" in verification.lines[1]


def test_there_a_bank_of_other_models_fails(verify, elsewhere, arrays):
    verification = verify(elsewhere(forget_confidence=arrays["forget_confidence"] + 5))

    assert not verification.ok


def test_there_a_member_unlike_the_others_fails(verify, elsewhere, arrays):
    confidence = arrays["forget_confidence"].copy()
    confidence[5] *= 20

    verification = verify(elsewhere(forget_confidence=confidence), n_models=1)

    assert not verification.ok
    assert verification.lines[-1] == "stored members far from the others: 5"


def test_accuracies_that_hardly_vary_are_no_ground_for_suspicion(
    verify, elsewhere, bank, track
):
    """Long training ends near 1 in every model; one image more is no forgery."""
    accuracy = np.full(8, 0.5)
    accuracy[2] += 1 / track.retain_size

    verification = verify(elsewhere(retain_accuracy=accuracy), n_models=1)

    assert verification.lines[-1] == "all 8 stored members lie together"
