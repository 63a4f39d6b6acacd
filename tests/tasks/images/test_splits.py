"""The split: class-balanced, disjoint, and the same for everyone for ever."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from harness.reference.bank import read_bank
from harness.storage.shipped import shipped_tracks
from harness.tasks.images.splits import make_split, split_data
from harness.track import find_track

TRACKS = ["cifar10", "cifar10-fast", "cifar10-quick"]


@pytest.fixture(params=TRACKS)
def spec(request):
    return find_track(request.param).data


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
    split, data = make_split(cifar10, track.data), split_data(cifar10, track.data)

    assert digest(split) == "91a466b3a4c7480d"
    stored = read_bank(shipped_tracks() / track.name).arrays
    assert np.array_equal(stored["forget_targets"], data.forget.targets)
    assert np.array_equal(stored["test_targets"], data.test.targets)


def test_another_split_seed_forgets_other_images(cifar10):
    spec = find_track("cifar10-quick").data
    ours = make_split(cifar10, spec)
    theirs = make_split(cifar10, replace(spec, split_seed=spec.split_seed + 1))

    both = np.intersect1d(ours.forget, theirs.forget)
    assert len(both) < 20  # 3.2 are expected by chance
    assert not np.array_equal(ours.test, theirs.test)


def test_the_global_generator_is_neither_read_nor_moved(cifar10):
    spec = find_track("cifar10-quick").data
    np.random.seed(1)
    untouched = np.random.random()
    np.random.seed(1)
    first = digest(make_split(cifar10, spec))

    assert np.random.random() == untouched
    assert digest(make_split(cifar10, spec)) == first


def test_the_examples_are_those_of_the_indices(cifar10):
    spec = find_track("cifar10-quick").data
    split, data = make_split(cifar10, spec), split_data(cifar10, spec)

    assert np.array_equal(data.forget.images, cifar10.train_images[split.forget])
    assert np.array_equal(data.retain.targets, cifar10.train_targets[split.retain])
    assert np.array_equal(data.test.images, cifar10.test_images[split.test])
    assert np.array_equal(
        data.validation.targets, cifar10.test_targets[split.validation]
    )
