"""A bank of several original models: each is one of its own, and is looked after."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from harness.errors import CheckFailed, UsageError
from harness.reference import bank_key, find_bank
from harness.reference.bank import BANK, MANIFEST, ORIGINALS, read_bank, write_bank
from harness.reference.build import build_bank
from harness.reference.location import built_folder
from harness.reference.member import original_path, read_original, write_original
from harness.reference.plan import BuildPlan, finished_originals
from harness.reference.training import member_seed, train_and_keep
from harness.reference.verify import verify_bank
from harness.tasks.registry import find_task
from harness.track import find_track
from harness.track.schema import MOST_ORIGINALS


@pytest.fixture
def plan(track_of_two, bank_of_two, own_cache) -> BuildPlan:
    """A plan for a cache without any bank."""
    return BuildPlan(track=track_of_two, n_models=2, jobs=2)


@pytest.fixture
def own_bank(bank_of_two, track_of_two, own_cache):
    """A copy of the bank in this test's cache."""
    folder = built_folder(find_task(track_of_two))
    shutil.copytree(bank_of_two.folder, folder)
    return folder


def same_weights(ours, theirs) -> bool:
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[name], theirs[name]) for name in ours
    )


def test_every_original_is_a_model_of_its_own_seed(bank_of_two, track_of_two):
    first, second = bank_of_two.original_members

    assert [first.index, second.index] == [-1, -2]
    seeds = [member_seed(track_of_two, 0, index) for index in (-1, -2)]
    assert [first.seed, second.seed] == seeds
    assert len({*seeds, *bank_of_two.seeds.tolist()}) == 8
    assert not same_weights(*bank_of_two.original_weights)
    confidences = bank_of_two.original.forget_confidence
    assert confidences.shape == (2, 50)
    assert not np.array_equal(*confidences)


def test_the_weights_of_each_original_are_those_that_were_measured(
    bank_of_two, track_of_two
):
    import torch  # noqa: PLC0415 - a second that most tests here do without

    from harness.models.weights import load_weights  # noqa: PLC0415

    task = find_task(track_of_two)
    evaluate = task.evaluator(task.sets()._asdict(), torch.device("cpu"))
    network = task.network(seed=0)
    for place, weights in enumerate(bank_of_two.original_weights):
        load_weights(network, weights)

        outputs = evaluate(network)

        stored = bank_of_two.original.take([place])
        assert np.array_equal(outputs.forget_confidence, stored.forget_confidence)
        assert np.array_equal(outputs.calibration, stored.calibration)


def test_originals_and_retrained_models_are_calibrated(bank_of_two):
    for models in (bank_of_two.original, bank_of_two.retrained):
        assert models.calibrated_confidence.shape == models.forget_confidence.shape
        assert models.calibration.shape == (len(models), 11)
        assert np.allclose(models.calibration[:, 1:].sum(axis=1), 0, atol=1e-12)


def test_another_number_of_originals_has_another_bank(task, variant):
    keys = {
        bank_key(find_task(find_track(str(variant(delta=f"1e-5\noriginals = {k}")))))
        for k in (1, 2, 4)
    }

    assert len(keys) == 3
    assert bank_key(task) in keys


@pytest.mark.parametrize("count", [0, -1, MOST_ORIGINALS + 1])
def test_a_track_without_a_sound_number_of_originals_is_refused(variant, count):
    with pytest.raises(UsageError, match=r"evaluation.originals.*1 to 64"):
        find_track(str(variant(delta=f"1e-5\noriginals = {count}")))


def test_only_the_original_that_is_missing_is_trained(plan, bank_of_two):
    for place, index in ((0, -1), (1, -2)):
        member = bank_of_two.original_members[place]
        weights = bank_of_two.original_weights[place]
        write_original(original_path(plan.folder, index), member, weights)
    original_path(plan.folder, -2).write_bytes(b"half an original")
    mark = original_path(plan.folder, -1).stat().st_mtime_ns
    assert set(finished_originals(plan)) == {-1}

    train_and_keep(plan.track, plan.seed, -2, plan.data_dir, plan.folder)

    assert original_path(plan.folder, -1).stat().st_mtime_ns == mark
    record, weights = read_original(original_path(plan.folder, -2))
    assert record.seed == bank_of_two.original_members[1].seed
    assert same_weights(weights, bank_of_two.original_weights[1])


def test_a_build_goes_on_with_the_originals_that_are_finished(plan, bank_of_two):
    """What was kept of the first is in the bank: its cost tells it from a new one."""
    member, weights = bank_of_two.original_members[0], bank_of_two.original_weights[0]
    write_original(original_path(plan.folder, -1), member, weights)
    steps: list[int] = []

    built = build_bank(plan, steps.append)

    assert steps == [0, 1, 2]
    first, second = built.original_members
    assert first.cpu_seconds == member.cpu_seconds
    assert second.cpu_seconds != bank_of_two.original_members[1].cpu_seconds
    for ours, theirs in zip(
        built.original_weights, bank_of_two.original_weights, strict=True
    ):
        assert same_weights(ours, theirs)
    names = sorted(path.name for path in plan.folder.iterdir())
    assert names == [BANK, MANIFEST, ORIGINALS]


def test_an_original_in_anothers_place_is_not_taken_for_it(plan, bank_of_two):
    member, weights = bank_of_two.original_members[0], bank_of_two.original_weights[0]
    write_original(original_path(plan.folder, -2), member, weights)

    assert finished_originals(plan) == {}


def test_a_larger_bank_keeps_its_originals(plan, own_bank, bank_of_two):
    larger = build_bank(
        BuildPlan(track=plan.track, n_models=7, jobs=1), lambda done: None
    )

    assert len(larger) == 7
    for ours, theirs in zip(
        larger.original_members, bank_of_two.original_members, strict=True
    ):
        assert ours.cpu_seconds == theirs.cpu_seconds


def test_the_one_original_that_was_changed_is_named(own_bank, track_of_two):
    stacked = load_file(own_bank / ORIGINALS)
    stacked["fc.bias"][1, 0] += 1e-3
    whole = read_bank(own_bank)
    write_bank(own_bank, whole.manifest, load_file(own_bank / BANK), save(stacked))

    verification = verify_bank(
        read_bank(own_bank), track_of_two, 1, seed=0, data_dir=None
    )

    assert not verification.ok
    assert verification.lines[0] == "original model 0: same to the bit"
    assert verification.lines[1].startswith("original model 1: DIFFERS")
    assert verification.same_bits == 2


@pytest.mark.parametrize("number", [1, 2, 4, "3", None])
def test_a_bank_of_another_format_is_refused_with_the_remedy(
    own_bank, track_of_two, number
):
    path = own_bank / MANIFEST
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "format": number}))

    with pytest.raises(CheckFailed) as caught:
        find_bank(find_task(track_of_two))

    assert str(caught.value) == (
        f"the reference bank in {own_bank} is damaged (format {number!r} is not 3); "
        "remove manifest.json, bank.safetensors and originals.safetensors there and "
        "run unlearn-eval reference build, or install the package again."
    )


@pytest.mark.parametrize("count", [1, 3])
def test_outputs_of_more_or_fewer_originals_than_weights_are_refused(own_bank, count):
    stacked = load_file(own_bank / ORIGINALS)
    places = np.arange(count) % 2
    weights = save({name: array[places] for name, array in stacked.items()})
    whole = read_bank(own_bank)
    write_bank(own_bank, whole.manifest, load_file(own_bank / BANK), weights)

    with pytest.raises(CheckFailed, match="is damaged"):
        _ = read_bank(own_bank).original_weights
