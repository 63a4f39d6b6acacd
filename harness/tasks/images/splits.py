"""Choose forget, retain, validation and test examples from the split seed alone."""

from typing import NamedTuple

import numpy as np

from harness.seeds import derive_seed
from harness.tasks.base import Indices
from harness.track.schema import DataSpec, require


class Split(NamedTuple):
    """Sorted indices: two into the training examples, two into the held-out ones.

    ``forget`` and ``retain`` are disjoint and make up the training set D;
    ``validation`` and ``test`` are disjoint.
    """

    forget: Indices
    retain: Indices
    validation: Indices
    test: Indices


def require_balanced(spec: DataSpec, n_classes: int) -> None:
    """Refuse sizes of which the classes cannot have equal shares."""
    for key, largest in (
        ("train_size", spec.train_size),
        ("forget_size", spec.train_size - n_classes),
    ):
        size = getattr(spec, key)
        ok = size % n_classes == 0 and n_classes <= size <= largest
        legal = f"a multiple of {n_classes}, the number of classes"
        if key == "forget_size":
            legal += f", and at most {largest}"
        require(ok, f"data.{key}", size, legal)


def make_split(
    train_targets: Indices, held_out_targets: Indices, spec: DataSpec, n_classes: int
) -> Split:
    """Choose the examples of a split, class-balanced in D and in S.

    Parameters
    ----------
    train_targets, held_out_targets : ndarray of int64
        Classes ``0 .. n_classes - 1`` of all examples that may be drawn.
    spec : DataSpec
        Sizes and the split seed.
    n_classes : int
        Classes.

    Returns
    -------
    Split
        The same for the same spec on every machine: the generator is MT19937
        through ``RandomState``, whose stream NumPy has promised never to change.

    Raises
    ------
    UsageError
        If there are too few examples.
    """
    generator = np.random.RandomState(derive_seed("split", spec.split_seed) % 2**32)
    per_class = spec.train_size // n_classes
    forget_per_class = spec.forget_size // n_classes
    smallest = int(np.bincount(train_targets, minlength=n_classes).min())
    legal = f"at most {smallest * n_classes}, for a class has {smallest} examples"
    require(per_class <= smallest, "data.train_size", spec.train_size, legal)
    end = spec.validation_size + spec.test_size
    legal = f"at most {len(held_out_targets)}"
    key = "data.validation_size + test_size"
    require(end <= len(held_out_targets), key, end, legal)
    forget, retain = [], []
    for label in range(n_classes):
        members = np.flatnonzero(train_targets == label)
        chosen = generator.permutation(members)[:per_class]
        forget.append(chosen[:forget_per_class])
        retain.append(chosen[forget_per_class:])
    held_out = generator.permutation(len(held_out_targets))
    return Split(
        forget=np.sort(np.concatenate(forget)),
        retain=np.sort(np.concatenate(retain)),
        validation=np.sort(held_out[: spec.validation_size]),
        test=np.sort(held_out[spec.validation_size : end]),
    )
