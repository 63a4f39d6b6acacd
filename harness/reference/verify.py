"""Test that a bank is what it says, by training some of its members again."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.machine import is_gpu, this_machine, usual_jobs
from harness.models.outputs import SETS, ModelOutputs
from harness.models.records import ModelRecord
from harness.models.weights import Array
from harness.reference.bank import ReferenceBank
from harness.reference.parallel import Counter, delayed, work_through
from harness.track.schema import Track

#: How often an honest bank may fail a comparison by its distribution, by chance.
_FALSE_ALARM = 1e-4
_FEWEST_FOR_STATISTICS = 8
#: Logits in half precision move a confidence by less.
_HALF_PRECISION = 0.05


class Verification(NamedTuple):
    """Whether all belongs to the bank, how many bits agree, and a line for each."""

    ok: bool
    same_bits: int
    lines: tuple[str, ...]


class _Finding(NamedTuple):
    ok: bool
    same_bits: bool
    line: str


def verify_bank(  # noqa: PLR0913 - what may be left out by name
    bank: ReferenceBank,
    track: Track,
    n_models: int,
    *,
    seed: int | None,
    data_dir: Path | None,
    counter: Counter | None = None,
) -> Verification:
    """Train the original models and some members again and compare.

    `seed` chooses the members; by default nobody can know them beforehand. A `counter`
    hears how many are trained.
    """
    from harness.reference.training import train_member  # noqa: PLC0415

    generator = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    count = min(n_models, len(bank))
    chosen = sorted(generator.choice(len(bank), size=count, replace=False).tolist())
    members = [bank.members[position] for position in chosen]
    originals = bank.original_members
    indices = [member.index for member in (*originals, *members)]
    bank_seed = bank.manifest.seed
    task = delayed(train_member)
    trained: list[tuple[ModelRecord, dict[str, Array]]] = work_through(
        [task(track, bank_seed, index, data_dir) for index in indices],
        usual_jobs(track.device) if is_gpu(track.device) else 2,
        f"models of {track.name} trained again",
        counter,
    )
    arithmetic = this_machine().arithmetic_on(track.device)
    same_machine = bank.manifest.arithmetic == arithmetic
    findings = [
        _original_finding(bank, place, trained[place], same_machine)
        for place in range(len(originals))
    ]
    for stored, (member, _) in zip(members, trained[len(originals) :], strict=True):
        same = _same_outputs(stored, member, bank)
        if same or same_machine:
            findings.append(_exact_finding(f"retrained model {member.index}", same))
        else:
            findings.append(_member_finding(bank, track, member))
    findings += _outliers(bank, track)
    return Verification(
        ok=all(finding.ok for finding in findings),
        same_bits=sum(finding.same_bits for finding in findings),
        lines=tuple(finding.line for finding in findings),
    )


def _original_finding(
    bank: ReferenceBank,
    place: int,
    trained: tuple[ModelRecord, dict[str, Array]],
    same_machine: bool,
) -> _Finding:
    member, weights = trained
    name, kept = f"original model {place}", bank.original_members[place]
    stored = bank.original_weights[place]
    same = set(stored) == set(weights) and all(
        np.array_equal(stored[name], weights[name]) for name in stored
    )
    same = same and _same_outputs(kept, member, bank)
    if same or same_machine:
        return _exact_finding(name, same)
    ours, theirs = (o.accuracy("forget")[0] for o in (member.outputs, kept.outputs))
    one_example = 1 / bank.original.n_examples
    spread = max(float(bank.retrained.accuracy("forget").std(ddof=1)), one_example)
    distance = abs(ours - theirs) / spread
    # Two draws differ by more than one draw and a mean: hence the root.
    ok = distance < np.sqrt(2) * _farthest(len(bank), 1)
    line = f"{name}: forget accuracy {distance:.1f} sd from the stored one"
    return _Finding(ok, False, line)


def _exact_finding(name: str, same: bool) -> _Finding:
    words = "same to the bit" if same else "DIFFERS on the same kind of machine"
    return _Finding(same, same, f"{name}: {words}")


def _member_finding(bank: ReferenceBank, track: Track, member: ModelRecord) -> _Finding:
    """Compare a model with the bank's distribution, for bits differ elsewhere."""
    name = f"retrained model {member.index}"
    if len(bank) < _FEWEST_FOR_STATISTICS:
        fewest = _FEWEST_FOR_STATISTICS
        return _Finding(False, False, f"{name}: needs a bank of {fewest} to compare")
    statistics = _statistics(bank.retrained)
    ours = _statistics(member.outputs)[0]
    distance = _distance(statistics, ours, _smallest_spreads(track))
    ok = distance < _farthest(len(bank), statistics.shape[1])
    return _Finding(ok, False, f"{name}: {distance:.1f} sd from the bank")


def _same_outputs(stored: ModelRecord, ours: ModelRecord, bank: ReferenceBank) -> bool:
    pairs = {name: (kept, vars(ours.outputs)[name]) for name, kept in _known(stored)}
    if bank.manifest.half_precision:
        for name in ("test_confidence", "calibrated_confidence", "calibration"):
            apart = np.subtract(*pairs.pop(name, (0.0, 0.0)))
            if np.abs(apart).max() > _HALF_PRECISION:
                return False
    return stored.seed == ours.seed and all(
        np.array_equal(*pair) for pair in pairs.values()
    )


def _known(model: ModelRecord) -> list[tuple[str, Array]]:
    return [(name, a) for name, a in vars(model.outputs).items() if a is not None]


def _statistics(outputs: ModelOutputs) -> NDArray[np.float64]:
    """Return statistics ``[M, 5]``: mean and sd of the confidences, accuracies."""
    confidence = outputs.forget_confidence
    accuracies = [outputs.accuracy(of) for of in SETS]
    return np.column_stack(
        [confidence.mean(axis=1), confidence.std(axis=1), *accuracies]
    )


def _smallest_spreads(track: Track) -> NDArray[np.float64]:
    """Spreads ``[5]`` not to go below: one example, where accuracies hardly vary."""
    sizes = (track.retain_size, track.data.forget_size, track.data.test_size)
    return np.array([1e-6, 1e-6, *(1 / size for size in sizes)])


def _farthest(n_models: int, n_looked_at: int) -> float:
    """Return how many sd a model of the bank may lie from `n_models` others.

    The quantile of Student's t that one of `n_looked_at` normal numbers passes, either
    way, once in 1 / `_FALSE_ALARM` banks.
    """
    level = _FALSE_ALARM / (2 * n_looked_at)
    quantile = -float(stdtrit(n_models - 1, level))
    return quantile * float(np.sqrt(1 + 1 / n_models))


def _distance(
    others: NDArray[np.float64], ours: NDArray[np.float64], least: NDArray[np.float64]
) -> float:
    """Return how far statistics ``[5]`` lie from those of others ``[M, 5]``, in sd."""
    spread = np.maximum(others.std(axis=0, ddof=1), least)
    return float((np.abs(ours - others.mean(axis=0)) / spread).max())


def _outliers(bank: ReferenceBank, track: Track) -> Iterator[_Finding]:
    """Look at every stored member: whether it lies among the others."""
    n_models = len(bank)
    if n_models < _FEWEST_FOR_STATISTICS:
        return
    statistics, least = _statistics(bank.retrained), _smallest_spreads(track)
    limit = _farthest(n_models - 1, statistics.size)
    far = [
        str(i)
        for i, ours in enumerate(statistics)
        if _distance(np.delete(statistics, i, axis=0), ours, least) > limit
    ]
    words = f"all {n_models} stored members lie together"
    if far:
        words = f"stored members far from the others: {', '.join(far)}"
    yield _Finding(not far, False, words)
