"""Test that a bank is what it says, by training some of its members again."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from harness.machine import this_machine
from harness.metrics.confidence import logit_scaled_confidence
from harness.reference.bank import ReferenceBank
from harness.reference.member import Member
from harness.track.schema import Track
from harness.weights import Array

#: Farther than this many standard deviations of the bank is not of the bank. With the
#: handful of statistics looked at, chance does that less than once in ten thousand.
_FARTHEST = 5.0
_FEWEST_FOR_STATISTICS = 8


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Attributes
    ----------
    ok : bool
        Whether everything that was looked at belongs to the bank.
    same_bits : int
        Models that came out the same to the bit.
    lines : tuple of str
        What was looked at, a line each.
    """

    ok: bool
    same_bits: int
    lines: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


class _Finding(NamedTuple):
    ok: bool
    same_bits: bool
    line: str


def verify_bank(
    bank: ReferenceBank,
    track: Track,
    n_models: int,
    *,
    seed: int | None,
    data_dir: Path | None,
) -> Verification:
    """Train the original model and some members again and compare.

    Parameters
    ----------
    bank : ReferenceBank
        Already checked against its own checksums.
    track : Track
        Whose bank.
    n_models : int
        Members to train, chosen at random.
    seed : int, optional
        Of the choice; by default nobody can know it beforehand.
    data_dir : Path, optional
        Where CIFAR-10 lies.
    """
    from harness.reference.training import ORIGINAL_INDEX, train_member  # noqa: PLC0415

    generator = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    count = min(n_models, len(bank))
    chosen = sorted(generator.choice(len(bank), size=count, replace=False).tolist())
    members = [bank.member(position) for position in chosen]
    indices = [ORIGINAL_INDEX] + [member.index for member in members]
    bank_seed = int(bank.manifest["seed"])
    task = delayed(train_member)
    trained: list[tuple[Member, dict[str, Array]]] = Parallel(n_jobs=2)(
        task(track, bank_seed, index, data_dir) for index in indices
    )
    same_machine = bank.manifest["arithmetic"] == this_machine().arithmetic
    findings = [_original_finding(bank, *trained[0], same_machine)]
    for position, (member, _) in zip(chosen, trained[1:], strict=True):
        findings.append(_member_finding(bank, position, member, same_machine))
    findings += _outliers(bank)
    return Verification(
        ok=all(finding.ok for finding in findings),
        same_bits=sum(finding.same_bits for finding in findings),
        lines=tuple(finding.line for finding in findings),
    )


def _original_finding(
    bank: ReferenceBank, member: Member, weights: dict[str, Array], same_machine: bool
) -> _Finding:
    stored = bank.original_weights
    same = set(stored) == set(weights) and all(
        np.array_equal(stored[name], weights[name]) for name in stored
    )
    same = same and _same_outputs(bank.original, member)
    if same or same_machine:
        words = "same to the bit" if same else "DIFFERS on the same kind of machine"
        return _Finding(same, same, f"original model: {words}")
    ours, theirs = member.outputs, bank.original.outputs
    spread = float(bank.accuracy("forget").std(ddof=1)) if len(bank) > 1 else 0.02
    distance = abs(ours.forget_accuracy - theirs.forget_accuracy) / spread
    ok = distance < _FARTHEST
    line = f"original model: forget accuracy {distance:.1f} sd from the stored one"
    return _Finding(ok, False, line)


def _member_finding(
    bank: ReferenceBank, position: int, member: Member, same_machine: bool
) -> _Finding:
    name = f"retrained model {member.index}"
    same = _same_outputs(bank.member(position), member)
    if same or same_machine:
        words = "same to the bit" if same else "DIFFERS on the same kind of machine"
        return _Finding(same, same, f"{name}: {words}")
    if len(bank) < _FEWEST_FOR_STATISTICS:
        fewest = _FEWEST_FOR_STATISTICS
        return _Finding(False, False, f"{name}: needs a bank of {fewest} to compare")
    distance = _distance(bank, member)
    ok = distance < _FARTHEST
    return _Finding(ok, False, f"{name}: {distance:.1f} sd from the bank")


def _same_outputs(stored: Member, ours: Member) -> bool:
    a, b = stored.outputs, ours.outputs
    half = b.test_logits.astype(np.float16)
    return (
        stored.seed == ours.seed
        and np.array_equal(a.forget_logits, b.forget_logits)
        and np.array_equal(a.test_logits.astype(np.float16), half)
        and a[2:] == b[2:]
    )


def _statistics(
    logits: NDArray[np.float32], targets: NDArray[np.int64], accuracies: Array
) -> NDArray[np.float64]:
    """Return statistics ``[M, K]``: mean and sd of the confidences, accuracies."""
    confidence = logit_scaled_confidence(logits, targets)
    return np.column_stack(
        [confidence.mean(axis=1), confidence.std(axis=1), accuracies]
    )


def _bank_statistics(bank: ReferenceBank) -> NDArray[np.float64]:
    accuracies = np.column_stack(
        [bank.accuracy(of) for of in ("retain", "forget", "test")]
    )
    arrays = bank.arrays
    return _statistics(
        arrays["forget_logits"],  # type: ignore[arg-type]
        arrays["forget_targets"],  # type: ignore[arg-type]
        accuracies,
    )


def _distance(bank: ReferenceBank, member: Member) -> float:
    """Return how far a model lies from the bank, in standard deviations."""
    all_of_them = _bank_statistics(bank)
    outputs = member.outputs
    accuracies = np.array([outputs[2:]], dtype=np.float64)
    ours = _statistics(
        outputs.forget_logits[None],
        bank.arrays["forget_targets"],  # type: ignore[arg-type]
        accuracies,
    )
    spread = all_of_them.std(axis=0, ddof=1)
    return float((np.abs(ours - all_of_them.mean(axis=0)) / spread).max())


def _outliers(bank: ReferenceBank) -> Iterator[_Finding]:
    """Look whether every stored member lies among the others."""
    if len(bank) < _FEWEST_FOR_STATISTICS:
        return
    statistics = _bank_statistics(bank)
    middle = np.median(statistics, axis=0)
    spread = 1.4826 * np.median(np.abs(statistics - middle), axis=0)
    distance = (np.abs(statistics - middle) / np.maximum(spread, 1e-12)).max(axis=1)
    far = [int(i) for i in np.flatnonzero(distance > _FARTHEST + 1)]
    words = (
        f"all {len(bank)} stored members lie together"
        if not far
        else (f"stored members far from the others: {', '.join(map(str, far))}")
    )
    yield _Finding(not far, False, words)
