"""The split: class-balanced, disjoint, and the same for everyone for ever."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.errors import UsageError
from harness.models.confidence import logit_scaled_confidence
from harness.models.weights import load_weights
from harness.reference import find_bank
from harness.storage.shipped import shipped_tracks
from harness.tasks.images import splits
from harness.tasks.registry import find_task
from harness.track import find_track

TRACKS = ["cifar10", "cifar10-cpu", "cifar10-fast", "cifar10-quick"]


@pytest.fixture(params=TRACKS)
def spec(request):
    return find_track(request.param).data


def make_split(cifar10, spec, n_classes=10):
    return splits.make_split(
        cifar10.train_targets, cifar10.test_targets, spec, n_classes
    )


def digest(split) -> str:
    return hashlib.sha256(np.concatenate(split).tobytes()).hexdigest()[:16]


def test_every_set_has_the_size_that_the_track_says(cifar10, spec):
    split = make_split(cifar10, spec)

    assert len(split.forget) == spec.forget_size
    assert len(split.retain) == spec.train_size - spec.forget_size
    assert len(split.validation) == spec.validation_size
    assert len(split.test) == spec.test_size


def test_forget_and_retain_set_are_class_balanced(cifar10, spec):
    split = make_split(cifar10, spec)

    for indices in (split.forget, split.retain):
        counts = np.bincount(cifar10.train_targets[indices], minlength=10)
        assert (counts == len(indices) // 10).all()


def test_no_image_is_in_two_sets(cifar10, spec):
    split = make_split(cifar10, spec)

    assert len(np.union1d(split.forget, split.retain)) == spec.train_size
    held_out = np.union1d(split.validation, split.test)
    assert len(held_out) == spec.validation_size + spec.test_size


def test_the_quick_split_is_the_one_that_the_shipped_bank_was_built_on(cifar10):
    track = find_track("cifar10-quick")
    task = find_task(track)
    sets = task.sets()

    assert digest(make_split(cifar10, track.data)) == "91a466b3a4c7480d"
    bank, network = find_bank(task), task.network(seed=0).eval()
    load_weights(network, bank.original_weights[0])
    for of in ("forget", "test"):
        examples = getattr(sets, of)
        with torch.inference_mode():
            logits = network(task.tensors(examples)[0]).numpy()
        found = logit_scaled_confidence(logits[None], examples.targets)
        # As many test examples as forget ones, evenly spread.
        found = found[:, np.linspace(0, found.shape[1] - 1, 400).astype(int)]
        # Test confidences of the bank were computed from logits in half precision.
        stored = getattr(bank.original.take([0]), f"{of}_confidence")
        assert np.allclose(found, stored, rtol=0, atol=0.1)


def test_another_split_seed_forgets_other_images(cifar10):
    spec = find_track("cifar10-quick").data
    ours = make_split(cifar10, spec)
    theirs = make_split(cifar10, replace(spec, split_seed=spec.split_seed + 1))

    both = np.intersect1d(ours.forget, theirs.forget)
    assert len(both) < 20  # 3.2 are expected by chance
    assert not np.array_equal(ours.test, theirs.test)


#: Of one class all and of one class some; listed: in D, and not in D.
OTHERS = [
    {"forget": "class:3"},
    {"forget": "class:9", "forget_size": 40},
    {"forget": tuple(range(60)), "forget_size": 60},
]


@pytest.fixture(params=OTHERS, ids=str)
def other(request):
    return replace(find_track("cifar10-quick").data, **request.param)


def test_every_other_forget_set_leaves_a_balanced_training_set(cifar10, other):
    split = make_split(cifar10, other)

    assert len(split.forget) == other.forget_size
    assert len(np.intersect1d(split.forget, split.retain)) == 0
    training = np.concatenate([split.forget, split.retain])
    assert (np.bincount(cifar10.train_targets[training]) == 400).all()
    assert (np.diff(split.forget) > 0).all()
    assert (np.diff(split.retain) > 0).all()


def test_every_other_forget_set_leaves_the_held_out_examples(cifar10, other):
    ours, quick = (
        make_split(cifar10, spec) for spec in (other, find_track("cifar10-quick").data)
    )

    assert np.array_equal(ours.test, quick.test)
    assert np.array_equal(ours.validation, quick.validation)


def training_set(split):
    return np.sort(np.concatenate([split.forget, split.retain]))


def test_a_class_is_forgotten_from_the_same_training_set(cifar10):
    spec = find_track("cifar10-quick").data
    quick = make_split(cifar10, spec)
    whole = make_split(cifar10, replace(spec, forget="class:3"))
    part = make_split(cifar10, replace(spec, forget="class:3", forget_size=40))

    assert np.array_equal(training_set(whole), training_set(quick))
    assert np.array_equal(training_set(part), training_set(quick))
    d = training_set(quick)
    assert np.array_equal(whole.forget, d[cifar10.train_targets[d] == 3])
    assert np.isin(part.forget, whole.forget).all()
    private = replace(spec, forget="class:3", forget_size=40, split_seed=1)
    assert len(np.intersect1d(make_split(cifar10, private).forget, part.forget)) < 10


def test_listed_examples_are_forgotten_and_put_into_the_training_set(cifar10):
    spec = replace(
        find_track("cifar10-quick").data, forget=(0, 5, 49_999), forget_size=3
    )
    quick = make_split(cifar10, replace(spec, forget="random", forget_size=400))
    assert not np.isin(spec.forget, training_set(quick)).all()

    split = make_split(cifar10, spec)

    assert split.forget.tolist() == [0, 5, 49_999]
    others = np.setdiff1d(training_set(split), split.forget)
    assert np.isin(others, training_set(quick)).all()


def test_listed_examples_of_the_training_set_leave_it_as_it_is(cifar10):
    spec = find_track("cifar10-quick").data
    d = training_set(make_split(cifar10, spec))
    listed = tuple(d[::10].tolist())

    split = make_split(cifar10, replace(spec, forget=listed))

    assert np.array_equal(training_set(split), d)
    assert tuple(split.forget.tolist()) == listed


@pytest.mark.parametrize("stratum", ["low", "middle", "high"])
def test_a_stratum_is_of_the_quick_tracks_training_set(cifar10, stratum):
    quick = make_split(cifar10, find_track("cifar10-quick").data)
    split = make_split(cifar10, find_track(f"cifar10-quick-{stratum}").data)

    assert np.array_equal(training_set(split), training_set(quick))


def test_a_stratum_is_what_the_shipped_scores_say(cifar10):
    quick = make_split(cifar10, find_track("cifar10-quick").data)
    table = np.loadtxt(
        shipped_tracks() / "cifar10-quick" / "memorisation.csv",
        delimiter=",",
        skiprows=1,
    )
    places, labels, score = table[:, 0].astype(int), table[:, 1], table[:, 2]
    order = np.argsort(score, kind="stable")

    assert np.array_equal(places, training_set(quick))
    assert np.array_equal(labels, cifar10.train_targets[places])
    for stratum, chosen in (
        ("low", order[:400]),
        ("middle", order[1800:2200]),
        ("high", order[3600:]),
    ):
        listed = find_track(f"cifar10-quick-{stratum}").data.forget
        assert listed == tuple(sorted(places[chosen].tolist()))


def test_the_hard_images_are_the_third_that_retrained_models_know_least(cifar10):
    forgotten = make_split(cifar10, find_track("cifar10-cpu").data).forget
    bank = find_bank(find_task(find_track("cifar10-cpu")))
    known = bank.retrained.forget_confidence.mean(axis=0)

    hardest = forgotten[np.argsort(known, kind="stable")[: len(known) // 3]]
    assert find_track("cifar10-cpu-hard").data.forget == tuple(sorted(hardest.tolist()))


def test_the_global_generator_is_neither_read_nor_moved(cifar10):
    spec = find_track("cifar10-quick").data
    np.random.seed(1)
    untouched = np.random.random()
    np.random.seed(1)
    first = digest(make_split(cifar10, spec))

    assert np.random.random() == untouched
    assert digest(make_split(cifar10, spec)) == first


def test_the_examples_are_those_of_the_indices(cifar10):
    track = find_track("cifar10-quick")
    task = find_task(track)
    split, sets = make_split(cifar10, track.data), task.sets()

    assert np.array_equal(task.forget_indices(), split.forget)
    assert np.array_equal(sets.forget.inputs, cifar10.train_images[split.forget])
    assert np.array_equal(sets.retain.targets, cifar10.train_targets[split.retain])
    assert np.array_equal(sets.test.inputs, cifar10.test_images[split.test])
    assert np.array_equal(
        sets.validation.targets, cifar10.test_targets[split.validation]
    )


def test_the_training_set_is_retain_and_forget_together(split):
    training = split.training

    assert len(training.targets) == 400
    assert np.array_equal(training.inputs[:350], split.retain.inputs)
    assert np.array_equal(training.targets[350:], split.forget.targets)


@pytest.fixture
def refused(variant):
    def make(**lines) -> str:
        with pytest.raises(UsageError) as caught:
            find_task(find_track(str(variant(**lines)))).sets()
        message = str(caught.value)
        assert "\n" not in message
        return message

    return make


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            {"train_size": 401},
            "data.train_size = 401 is not legal: it must be a multiple of 10, the "
            "number of classes.",
        ),
        (
            {"forget_size": 55},
            "data.forget_size = 55 is not legal: it must be a multiple of 10, the "
            "number of classes, and at most 390.",
        ),
        (
            {"train_size": 40, "forget_size": 38, "batch_size": 2},
            "data.forget_size = 38 is not legal: it must be a multiple of 10, the "
            "number of classes, and at most 30.",
        ),
        (
            {"forget_size": '40\nforget = "class:10"'},
            "data.forget = 'class:10' is not legal: it must be 'class:0' to 'class:9'.",
        ),
        (
            {"forget_size": '41\nforget = "class:3"'},
            "data.forget_size = 41 is not legal: it must be at most 40, all examples "
            "of a class in D.",
        ),
        (
            {"forget_size": "2\nforget = [3, 50000]"},
            "a place in data.forget = 50000 is not legal: it must be at most 49999.",
        ),
        (
            {"train_size": 10, "forget_size": "2\nforget = [0, 19]", "batch_size": 2},
            "how many of class 6 data.forget lists = 2 is not legal: it must be at "
            "most 1, as D has 1 of each; list fewer or raise train_size.",
        ),
        (
            {"train_size": 50010},
            "data.train_size = 50010 is not legal: it must be at most 50000, for a "
            "class has 5000 examples.",
        ),
        (
            {"test_size": 9901},
            "data.validation_size + test_size = 10001 is not legal: it must be at "
            "most 10000.",
        ),
    ],
)
def test_sizes_that_the_data_cannot_give_are_refused_with_what_is_legal(
    refused, lines, message
):
    assert refused(**lines) == message
