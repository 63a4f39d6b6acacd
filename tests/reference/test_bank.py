"""A bank holds what its models output, under an address of all they depend on."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import CheckFailed, UsageError
from harness.models.outputs import Outputs
from harness.reference import (
    bank_key,
    find_bank,
    find_bank_of_results,
    find_largest_bank,
    location,
)
from harness.reference.bank import ORIGINAL, read_bank, stack_members, write_bank
from harness.reference.member import (
    Member,
    member_path,
    member_paths,
    read_member,
    write_member,
)
from harness.reference.training import ORIGINAL_INDEX, member_seed
from harness.track import find_track


def test_a_bank_holds_the_outputs_of_every_model(bank, split):
    arrays = bank.arrays

    assert len(bank) == 8
    assert arrays["forget_logits"].shape == (8, 50, 10)
    assert arrays["forget_logits"].dtype == np.float32
    assert arrays["test_logits"].shape == (8, 200, 10)
    assert arrays["test_logits"].dtype == np.float16
    assert np.array_equal(arrays["forget_targets"], split.forget.targets)
    assert np.array_equal(arrays["test_targets"], split.test.targets)


def test_its_accuracies_are_those_of_its_logits(bank, split):
    for of in ("forget", "test"):
        targets = getattr(split, of).targets
        right = bank.arrays[f"{of}_logits"].argmax(2) == targets
        assert np.allclose(bank.accuracy(of), right.mean(1), atol=2 / len(targets))


def test_every_member_has_the_seed_of_its_index(bank, track):
    seeds = bank.arrays["seed"].tolist()

    assert seeds == [member_seed(track, 0, i) for i in range(8)]
    assert bank.original.seed == member_seed(track, 0, ORIGINAL_INDEX)
    assert len({*seeds, bank.original.seed}) == 9


def test_no_two_models_are_the_same(bank):
    logits = bank.arrays["forget_logits"]

    assert len(np.unique(logits.reshape(8, -1), axis=0)) == 8


def test_the_original_model_knows_the_forget_set_better_than_a_retrained_one():
    """On the shipped bank, where training is long enough to memorise."""
    bank = find_bank(find_track("cifar10-quick"))

    gap = bank.original.outputs.forget_accuracy - bank.accuracy("forget").mean()
    assert gap >= 0.2
    assert len(bank) == 128


@pytest.mark.parametrize(
    "change", [{"epochs": 3}, {"train_size": 410}, {"split_seed": 9}]
)
def test_another_track_has_another_bank(track, variant, change):
    assert bank_key(find_track(str(variant(**change)))) != bank_key(track)


def test_another_seed_engine_or_data_set_has_another_bank(track, monkeypatch):
    keys = {bank_key(track), bank_key(track, 1)}
    with monkeypatch.context() as patch:
        patch.setattr("harness.reference.bank.ENGINE_VERSION", 99)
        keys.add(bank_key(track))
    with monkeypatch.context() as patch:
        patch.setattr("harness.reference.bank.DATA_HASH", "other")
        keys.add(bank_key(track))

    assert len(keys) == 4


def test_asking_for_more_models_or_another_cap_is_the_same_bank(track, variant):
    other = find_track(str(variant(n_models=5, bank_size=16, cap=0.3)))

    assert bank_key(other) == bank_key(track)


def test_no_bank_is_told_with_the_command_that_builds_it(track, own_cache, track_file):
    with pytest.raises(UsageError) as caught:
        find_bank(track, at_least=8)

    assert str(caught.value) == (
        "the reference bank of tiny is not built; build it with: "
        f"unlearn-eval reference build --track {track_file}."
    )


def test_a_private_split_is_told_with_its_seed(track_file, own_cache):
    private = find_track(str(track_file), split_seed=7)

    with pytest.raises(UsageError, match=r"--split-seed 7\.$"):
        find_bank(private)


def test_too_small_a_bank_is_told_with_its_size(track, own_bank):
    message = r"has 8 retrained models, not 9; build it with: .* -n 9\.$"
    with pytest.raises(UsageError, match=message):
        find_bank(track, at_least=9)


@pytest.mark.parametrize("shipped_is", ["smaller", "larger", "as large"])
def test_of_a_shipped_and_a_built_bank_the_larger_one_is_found(
    track, own_bank, tmp_path, monkeypatch, shipped_is
):
    shipped = tmp_path / "shipped" / track.name
    shutil.copytree(own_bank, shipped)
    smaller = {"smaller": shipped, "larger": own_bank}.get(shipped_is)
    if smaller is not None:
        whole = read_bank(smaller)
        of_models = {k for k, v in whole.arrays.items() if len(v) == len(whole)}
        arrays = {k: v[:3] if k in of_models else v for k, v in whole.arrays.items()}
        original = (smaller / ORIGINAL).read_bytes()
        write_bank(smaller, whole.manifest, arrays, original)
    monkeypatch.setattr(location, "shipped_tracks", lambda: shipped.parent)

    found = find_largest_bank(track)

    assert len(found) == 8
    assert found.folder == (own_bank if shipped_is == "smaller" else shipped)


def test_the_bank_of_a_result_is_found_without_its_track(bank):
    assert find_bank_of_results("tiny", bank.key, 8).key == bank.key
    with pytest.raises(UsageError, match="the reference bank 0123 of tiny, which"):
        find_bank_of_results("tiny", "0123", 2)


def test_a_bank_of_another_engine_is_no_bank_of_ours(track, rewrite):
    rewrite({"key": "of an older engine"})

    with pytest.raises(UsageError, match="build it with"):
        find_bank(track)


@pytest.mark.parametrize(
    "name", ["bank.safetensors", "original.safetensors", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_damaged_bank_is_never_read(track, own_bank, name, damage):
    path = own_bank / name
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        # The middle of a manifest may be a word that nothing hangs on.
        where = content.index(b"sha256") if name == "manifest.json" else -100
        content[where] ^= 1
    path.write_bytes({"cut": content[:-50], "empty": b""}.get(damage, content))

    with pytest.raises(CheckFailed, match=r"is damaged .*; remove"):
        find_bank(track)


@pytest.mark.parametrize("name", ["bank.safetensors", "original.safetensors"])
def test_a_bank_without_all_its_files_is_never_read(own_bank, name):
    (own_bank / name).unlink()

    with pytest.raises(CheckFailed, match="is damaged"):
        read_bank(own_bank)


@pytest.fixture
def member() -> Member:
    rng = np.random.default_rng(0)
    outputs = Outputs(
        rng.normal(size=(5, 10)).astype(np.float32),
        rng.normal(size=(7, 10)).astype(np.float32),
        0.9,
        0.5,
        0.25,
    )
    return Member(index=3, seed=2**62 + 1, seconds=1.5, outputs=outputs)


def same(a: Member, b: Member) -> bool:
    numbers = [(m.index, m.seed, m.seconds, *m.outputs[2:]) for m in (a, b)]
    logits = zip(a.outputs[:2], b.outputs[:2], strict=True)
    return numbers[0] == numbers[1] and all(np.array_equal(x, y) for x, y in logits)


def test_a_member_comes_back_to_the_bit(member, tmp_path):
    path = member_path(tmp_path, 3)
    write_member(path, member)

    assert same(read_member(path), member)
    assert member_paths(tmp_path) == [path]


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_missing_or_damaged_member_is_none(tmp_path, content):
    path = member_path(tmp_path, 3)
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)

    assert read_member(path) is None


def test_a_member_cut_short_is_none(member, tmp_path):
    path = member_path(tmp_path, 3)
    write_member(path, member)
    path.write_bytes(path.read_bytes()[:-1])

    assert read_member(path) is None


def test_stacking_keeps_forget_logits_whole_and_test_logits_in_half(member):
    arrays = stack_members([member, replace(member, index=4)], "x_")

    assert arrays["x_index"].tolist() == [3, 4]
    assert arrays["x_seed"].dtype == np.int64
    assert np.array_equal(arrays["x_forget_logits"][0], member.outputs.forget_logits)
    half = arrays["x_test_logits"]
    assert half.dtype == np.float16
    assert np.allclose(half[1], member.outputs.test_logits, atol=2e-3)
    assert np.array_equal(half.astype(np.float32).astype(np.float16), half)
