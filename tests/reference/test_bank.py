"""A bank holds what its models output, under an address of all they depend on."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from harness.errors import CheckFailed, UsageError
from harness.models.outputs import ModelOutputs
from harness.models.records import ModelRecord, read_record, write_record
from harness.reference import (
    bank_key,
    find_bank,
    find_bank_of_results,
    find_largest_bank,
    location,
)
from harness.reference.bank import (
    BANK,
    MANIFEST,
    ORIGINALS,
    read_bank,
    stack_members,
    write_bank,
)
from harness.reference.member import (
    member_path,
    member_paths,
    original_path,
    read_original,
    write_original,
)
from harness.reference.training import member_seed
from harness.storage.shipped import shipped_tracks
from harness.tasks.cifar10.task import Cifar10Task
from harness.tasks.registry import find_task
from harness.track import find_track


def task_of(path):
    return find_task(find_track(str(path)))


def test_a_bank_holds_the_outputs_of_every_model(bank, arrays):
    assert len(bank) == 8
    assert bank.retrained.forget_confidence.shape == (8, 50)
    assert bank.retrained.test_confidence.shape == (8, 50)
    assert bank.original.forget_confidence.shape == (1, 50)
    assert {arrays[f"{of}_confidence"].dtype for of in ("forget", "test")} == {
        np.dtype(np.float64)
    }
    assert not [name for name in arrays if "logits" in name]


def test_the_sign_of_a_confidence_agrees_with_its_accuracy(bank):
    """Above zero an example is more likely than all others together: it is right."""
    for of in ("forget", "test"):
        confidence = getattr(bank.retrained, f"{of}_confidence")
        surely_right = (confidence > 0).mean(1)
        assert (surely_right <= bank.retrained.accuracy(of)).all()


def test_every_member_has_the_seed_of_its_index(bank, track):
    seeds = bank.seeds.tolist()

    assert seeds == [member_seed(track, 0, i) for i in range(8)]
    (original,) = bank.original_members
    assert original.seed == member_seed(track, 0, -1)
    assert len({*seeds, original.seed}) == 9


def test_a_member_is_a_row_of_the_table(bank):
    member = bank.members[5]

    assert (member.index, member.seed) == (5, bank.seeds[5])
    assert member.cpu_seconds == bank.seconds[5]
    row = bank.retrained.forget_confidence[5:6]
    assert np.array_equal(member.outputs.forget_confidence, row)
    assert [original.index for original in bank.original_members] == [-1]


def test_no_two_models_are_the_same(bank):
    assert len(np.unique(bank.retrained.forget_confidence, axis=0)) == 8


def test_the_original_model_knows_the_forget_set_better_than_a_retrained_one():
    """On the shipped bank, where training is long enough to memorise."""
    bank = find_bank(find_task(find_track("cifar10-quick")))

    gap = bank.original.accuracy("forget")[0] - bank.retrained.accuracy("forget").mean()
    assert gap >= 0.2
    assert len(bank) == 128
    assert bank.manifest.half_precision


def test_the_network_of_the_whole_set_classifies_four_fifths_and_remembers():
    bank = read_bank(shipped_tracks() / "cifar10-cpu")

    accuracy = {of: bank.retrained.accuracy(of).mean() for of in ("forget", "test")}
    assert accuracy["test"] > 0.81
    # Images to forget are as any that were not trained on.
    assert accuracy["forget"] == pytest.approx(accuracy["test"], abs=0.03)
    assert min(m.outputs.accuracy("forget")[0] for m in bank.original_members) > 0.88
    assert len(bank) == find_track("cifar10-cpu").evaluation.bank_size


@pytest.fixture(scope="module", params=["cifar10-cpu", "cifar10-quick"])
def shipped(request):
    return shipped_tracks() / request.param


@pytest.mark.parametrize(
    "change", [{"epochs": 3}, {"train_size": 410}, {"split_seed": 9}]
)
def test_another_track_has_another_bank(task, variant, change):
    assert bank_key(task_of(variant(**change))) != bank_key(task)


def test_another_seed_engine_or_data_set_has_another_bank(task, monkeypatch):
    keys = {bank_key(task), bank_key(task, 1)}
    for name in ("engine_version", "data_hash"):
        with monkeypatch.context() as patch:
            patch.setattr(Cifar10Task, name, "other")
            keys.add(bank_key(task))

    assert len(keys) == 4


def test_asking_for_more_models_or_another_cap_is_the_same_bank(task, variant):
    other = task_of(variant(n_models=5, bank_size=16, cap=0.3))

    assert bank_key(other) == bank_key(task)


def test_the_address_of_the_shipped_bank_does_not_change_by_accident(shipped):
    """A change here makes every bank useless that people have built."""
    key = bank_key(find_task(find_track(shipped.name)))

    assert key == json.loads((shipped / MANIFEST).read_text())["key"]


def test_no_bank_is_told_with_the_command_that_builds_it(task, own_cache, track_file):
    with pytest.raises(UsageError) as caught:
        find_bank(task, at_least=8)

    assert str(caught.value) == (
        "the reference bank of tiny is not built; build it with: "
        f"unlearn-eval reference build --track {track_file}."
    )


def test_a_private_split_is_told_with_its_seed(track_file, own_cache):
    private = find_track(str(track_file), split_seed=7)

    with pytest.raises(UsageError, match=r"--split-seed 7\.$"):
        find_bank(find_task(private))


def test_too_small_a_bank_is_told_with_its_size(task, own_bank):
    message = r"has 8 retrained models, not 9; build it with: .* -n 9\.$"
    with pytest.raises(UsageError, match=message):
        find_bank(task, at_least=9)


@pytest.mark.parametrize("shipped_is", ["smaller", "larger", "as large"])
def test_of_a_shipped_and_a_built_bank_the_larger_one_is_found(
    task, own_bank, tmp_path, monkeypatch, shipped_is
):
    shipped = tmp_path / "shipped" / task.track.name
    shutil.copytree(own_bank, shipped)
    smaller = {"smaller": shipped, "larger": own_bank}.get(shipped_is)
    if smaller is not None:
        whole = read_bank(smaller)
        arrays = {
            name: array if name.startswith("original_") else array[:3]
            for name, array in load_file(smaller / BANK).items()
        }
        original = (smaller / ORIGINALS).read_bytes()
        write_bank(smaller, whole.manifest, arrays, original)
    monkeypatch.setattr(location, "shipped_tracks", lambda: shipped.parent)

    found = find_largest_bank(task)

    assert len(found) == 8
    assert found.folder == (own_bank if shipped_is == "smaller" else shipped)


def test_the_bank_of_a_result_is_found_without_its_track(bank):
    assert find_bank_of_results("tiny", bank.key, 8).key == bank.key
    with pytest.raises(UsageError, match="the reference bank 0123 of tiny, which"):
        find_bank_of_results("tiny", "0123", 2)


def test_a_bank_of_another_engine_is_no_bank_of_ours(task, rewrite):
    rewrite({"key": "of an older engine"})

    with pytest.raises(UsageError, match="build it with"):
        find_bank(task)


@pytest.mark.parametrize(
    "name", ["bank.safetensors", "originals.safetensors", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_a_damaged_bank_is_never_read(task, own_bank, name, damage):
    path = own_bank / name
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        # The middle of a manifest may be a word that nothing hangs on.
        where = content.index(b"sha256") if name == "manifest.json" else -100
        content[where] ^= 1
    path.write_bytes({"cut": content[:-50], "empty": b""}.get(damage, content))

    with pytest.raises(CheckFailed, match=r"is damaged .*; remove"):
        find_bank(task)


@pytest.mark.parametrize("name", ["bank.safetensors", "originals.safetensors"])
def test_a_bank_without_all_its_files_is_never_read(own_bank, name):
    (own_bank / name).unlink()

    with pytest.raises(CheckFailed, match="is damaged"):
        read_bank(own_bank)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"forget_confidence": np.zeros((7, 50))}, "of 8 models"),
        ({"forget_confidence": np.full((8, 50), np.nan)}, "NaN or infinite"),
        ({"original_forget_confidence": np.zeros((1, 49))}, "cover 50 examples and"),
        ({"seed": np.zeros(7, dtype=np.int64)}, "seed is not of 8 models"),
        ({"original_seconds": np.zeros(2)}, "original_seconds is not of 1 models"),
        ({"test_accuracy": np.full(8, 1.5)}, "give shares between 0 and 1"),
    ],
)
def test_a_bank_whose_arrays_do_not_fit_together_is_never_read(rewrite, changed, why):
    with pytest.raises(CheckFailed, match=rf"is damaged \(.*{why}.*; remove"):
        rewrite(**changed)


@pytest.fixture
def member() -> ModelRecord:
    rng = np.random.default_rng(0)
    outputs = ModelOutputs(
        forget_confidence=rng.normal(size=(1, 5)),
        test_confidence=rng.normal(size=(1, 7)),
        retain_accuracy=np.array([0.9]),
        forget_accuracy=np.array([0.5]),
        test_accuracy=np.array([0.25]),
    )
    return ModelRecord(index=3, seed=2**62 + 1, cpu_seconds=1.5, outputs=outputs)


def same(a: ModelRecord, b: ModelRecord) -> bool:
    numbers = [(m.index, m.seed, m.cpu_seconds) for m in (a, b)]
    tables = (vars(m.outputs).values() for m in (a, b))
    pairs = zip(*tables, strict=True)
    return numbers[0] == numbers[1] and all(np.array_equal(x, y) for x, y in pairs)


def test_a_member_comes_back_to_the_bit(member, tmp_path):
    path = member_path(tmp_path, 3)
    write_record(path, member)

    assert same(read_record(path, ModelRecord), member)
    assert member_paths(tmp_path) == [path]


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_missing_or_damaged_member_is_none(tmp_path, content):
    path = member_path(tmp_path, 3)
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)

    assert read_record(path, ModelRecord) is None


def test_a_member_cut_short_is_none(member, tmp_path):
    path = member_path(tmp_path, 3)
    write_record(path, member)
    path.write_bytes(path.read_bytes()[:-1])

    assert read_record(path, ModelRecord) is None


def test_an_original_model_comes_back_with_its_weights(member, tmp_path):
    weights = {"fc.bias": np.arange(3, dtype=np.float32)}
    write_original(original_path(tmp_path, -1), member, weights)

    kept, ours = read_original(original_path(tmp_path, -1))

    assert same(kept, member)
    assert np.array_equal(ours["fc.bias"], weights["fc.bias"])
    assert read_original(tmp_path / "none") is None


def test_stacking_keeps_every_bit(member):
    arrays = stack_members([member, replace(member, index=4)], "x_")

    assert arrays["x_index"].tolist() == [3, 4]
    assert arrays["x_seed"].dtype == np.int64
    for of in ("forget", "test"):
        stacked = arrays[f"x_{of}_confidence"]
        ours = getattr(member.outputs, f"{of}_confidence")
        assert stacked.dtype == np.float64
        assert np.array_equal(stacked, np.concatenate([ours, ours]))
    assert arrays["x_retain_accuracy"].tolist() == [0.9, 0.9]
