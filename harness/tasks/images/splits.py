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


def require_sizes(spec: DataSpec, n_classes: int) -> None:
    """Refuse sizes that the classes cannot have: equal shares in D, and their own in S.

    Of a listed forget set that is known with the data only.
    """
    legal = f"a multiple of {n_classes}, the number of classes"
    ok = spec.train_size % n_classes == 0 and n_classes <= spec.train_size
    require(ok, "data.train_size", spec.train_size, legal)
    size = spec.forget_size
    if spec.forget_kind == "random":
        largest = spec.train_size - n_classes
        ok = size % n_classes == 0 and n_classes <= size <= largest
        require(ok, "data.forget_size", size, f"{legal}, and at most {largest}")
    elif spec.forget_class is not None:
        highest, each = n_classes - 1, spec.train_size // n_classes
        legal = f"'class:0' to 'class:{highest}'"
        require(spec.forget_class <= highest, "data.forget", spec.forget, legal)
        legal = f"at most {each}, all examples of a class in D"
        require(size <= each, "data.forget_size", size, legal)


def make_split(
    train_targets: Indices, held_out_targets: Indices, spec: DataSpec, n_classes: int
) -> Split:
    """Choose the examples of a split, class-balanced in D and, if random, in S.

    D and the held-out sets do not depend on how S is chosen, save that D takes in what
    a list names.

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
        If there are too few examples, or a list names what D cannot have.
    """
    generator = np.random.RandomState(derive_seed("split", spec.split_seed) % 2**32)
    per_class = spec.train_size // n_classes
    smallest = int(np.bincount(train_targets, minlength=n_classes).min())
    legal = f"at most {smallest * n_classes}, for a class has {smallest} examples"
    require(per_class <= smallest, "data.train_size", spec.train_size, legal)
    end = spec.validation_size + spec.test_size
    legal = f"at most {len(held_out_targets)}"
    key = "data.validation_size + test_size"
    require(end <= len(held_out_targets), key, end, legal)
    listed = _listed(spec, len(train_targets))
    forget, retain = [], []
    for label, share in enumerate(_shares(spec, train_targets[listed], n_classes)):
        members = generator.permutation(np.flatnonzero(train_targets == label))
        # Stable: without a list this is the permutation itself.
        first = np.argsort(~np.isin(members, listed), kind="stable")
        chosen = members[first[:per_class]]
        forget.append(chosen[:share])
        retain.append(chosen[share:])
    held_out = generator.permutation(len(held_out_targets))
    return Split(
        forget=np.sort(np.concatenate(forget)),
        retain=np.sort(np.concatenate(retain)),
        validation=np.sort(held_out[: spec.validation_size]),
        test=np.sort(held_out[spec.validation_size : end]),
    )


def _listed(spec: DataSpec, n_examples: int) -> Indices:
    """Return the places that the track lists, none if it has a rule."""
    if isinstance(spec.forget, str):
        return np.empty(0, dtype=np.int64)
    last, legal = max(spec.forget), f"at most {n_examples - 1}"
    require(last < n_examples, "a place in data.forget", last, legal)
    return np.array(spec.forget, dtype=np.int64)


def _shares(spec: DataSpec, listed_targets: Indices, n_classes: int) -> list[int]:
    """Return how many examples of each class are forgotten."""
    if spec.forget_class is not None:
        return [spec.forget_size * (i == spec.forget_class) for i in range(n_classes)]
    if spec.forget_kind == "random":
        return [spec.forget_size // n_classes] * n_classes
    shares: list[int] = np.bincount(listed_targets, minlength=n_classes).tolist()
    most, each = max(shares), spec.train_size // n_classes
    legal = f"at most {each}, as D has {each} of each; list fewer or raise train_size"
    what = f"how many of class {shares.index(most)} data.forget lists"
    require(most <= each, what, most, legal)
    return shares
