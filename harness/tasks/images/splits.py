"""Choose forget, retain, validation and test images from the split seed alone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.seeds import derive_seed
from harness.tasks.cifar10.load import Cifar10
from harness.track.schema import N_CLASSES, DataSpec

Indices = NDArray[np.int64]


class Examples(NamedTuple):
    """Images ``uint8 [n, 32, 32, 3]`` and their targets ``int64 [n]``."""

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]


class Split(NamedTuple):
    """Indices into CIFAR-10, sorted: two into the training set, two into the test set.

    ``forget`` and ``retain`` are disjoint and make up the training set D;
    ``validation`` and ``test`` are disjoint.
    """

    forget: Indices
    retain: Indices
    validation: Indices
    test: Indices


class SplitData(NamedTuple):
    """The examples of every set of a split."""

    forget: Examples
    retain: Examples
    validation: Examples
    test: Examples


def make_split(cifar10: Cifar10, spec: DataSpec) -> Split:
    """Choose the images of a split.

    Parameters
    ----------
    cifar10 : Cifar10
        The data set; only its targets are looked at.
    spec : DataSpec
        Sizes and the split seed.

    Returns
    -------
    Split
        The same for the same spec on every machine: the generator is MT19937
        through ``RandomState``, whose stream NumPy has promised never to change.
    """
    generator = np.random.RandomState(derive_seed("split", spec.split_seed) % 2**32)
    per_class = spec.train_size // N_CLASSES
    forget_per_class = spec.forget_size // N_CLASSES
    forget, retain = [], []
    for label in range(N_CLASSES):
        members = np.flatnonzero(cifar10.train_targets == label)
        chosen = generator.permutation(members)[:per_class]
        forget.append(chosen[:forget_per_class])
        retain.append(chosen[forget_per_class:])
    held_out = generator.permutation(len(cifar10.test_targets))
    end = spec.validation_size + spec.test_size
    return Split(
        forget=np.sort(np.concatenate(forget)),
        retain=np.sort(np.concatenate(retain)),
        validation=np.sort(held_out[: spec.validation_size]),
        test=np.sort(held_out[spec.validation_size : end]),
    )


def split_data(cifar10: Cifar10, spec: DataSpec) -> SplitData:
    """Copy the images of a split out of the data set."""
    split = make_split(cifar10, spec)
    train = (cifar10.train_images, cifar10.train_targets)
    test = (cifar10.test_images, cifar10.test_targets)
    return SplitData(
        forget=_take(*train, split.forget),
        retain=_take(*train, split.retain),
        validation=_take(*test, split.validation),
        test=_take(*test, split.test),
    )


def _take(
    images: NDArray[np.uint8], targets: NDArray[np.int64], indices: Indices
) -> Examples:
    return Examples(np.asarray(images[indices]), np.asarray(targets[indices]))
