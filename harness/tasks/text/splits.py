"""Choose passages from the split seed alone: one book is forgotten, others are kept."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.seeds import derive_seed
from harness.tasks.base import Indices
from harness.tasks.text.corpus import Corpus
from harness.track.schema import DataSpec

#: A forget passage that shares so many tokens in a row with a retain passage is
#: remembered through that one.
NEAR_DUPLICATE = 12


class Chosen(NamedTuple):
    """Tokens ``int64 [n, length]`` of each set, and the forget passages' places."""

    forget: Indices
    retain: Indices
    validation: Indices
    test: Indices
    forget_places: Indices


def choose(corpus: Corpus, spec: DataSpec, forget_book: str) -> Chosen:
    """Draw each set; every kept book gives the same share, or one passage more.

    The same for the same seed on every machine: the generator is MT19937 through
    ``RandomState``, whose stream NumPy has promised never to change.
    """
    seed = derive_seed("text-split", spec.split_seed) % 2**32
    generator = np.random.RandomState(seed)
    kept = sorted(set(corpus.passages) - {forget_book})
    retain_size = spec.train_size - spec.forget_size
    sizes = (retain_size, spec.validation_size, spec.test_size)
    shares = np.array([_equal_shares(size, len(kept)) for size in sizes])
    parts: tuple[list[Indices], ...] = ([], [], [])
    for name, ends in zip(kept, shares.cumsum(axis=0).T, strict=True):
        rows = corpus.passages[name].astype(np.int64)
        if ends[-1] > len(rows):
            raise UsageError(
                f"{name} gives {len(rows)} passages, and retain, validation and test "
                f"set take {int(ends[-1])} of it; give a longer text, or smaller sizes "
                "under [data]."
            )
        order = generator.permutation(len(rows))
        for part, places in zip(parts, np.split(order, ends)[:3], strict=True):
            part.append(rows[np.sort(places)])
    retain, validation, test = (np.concatenate(part) for part in parts)
    rows = corpus.passages[forget_book].astype(np.int64)
    order = generator.permutation(len(rows))
    places = order[~_near_duplicates(rows[order], retain)]
    if spec.forget_size > len(places):
        raise UsageError(
            f"{forget_book} gives {len(places)} passages to forget, and forget_size "
            f"under [data] is {spec.forget_size}; give a longer text or a smaller size."
        )
    places = np.sort(places[: spec.forget_size])
    return Chosen(rows[places], retain, validation, test, places)


def _equal_shares(size: int, parts: int) -> list[int]:
    return [size // parts + (place < size % parts) for place in range(parts)]


def _near_duplicates(rows: Indices, others: Indices) -> NDArray[np.bool_]:
    known = {run for row in others for run in _runs(row)}
    return np.array([any(run in known for run in _runs(row)) for row in rows])


def _runs(row: Indices) -> list[bytes]:
    length = min(NEAR_DUPLICATE, len(row))
    return [row[at : at + length].tobytes() for at in range(len(row) - length + 1)]
