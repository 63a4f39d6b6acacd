"""What several originals give is the mean of what each of them gives."""

from dataclasses import fields

import numpy as np
import pytest

from harness.metrics.attacks.certified import certified_epsilon
from harness.metrics.flags.flag import FlagCode
from harness.models.outputs import SETS, ModelOutputs
from harness.scoring.measure import Measurement
from harness.scoring.originals import OriginalsMeasurement, measure_runs
from harness.scoring.reference import SEED, Reference
from tests.typed_results import run_record

N, EXAMPLES = 16, 20


def models(shift, n_models=N, *, seed=0, accuracy=0.8, calibrated=True, test=True):
    """Models whose examples differ, moved by `shift` from the retrained ones."""
    rng = np.random.default_rng(seed)
    forget = np.linspace(-3, 3, EXAMPLES) + shift
    forget = forget + rng.normal(size=(n_models, EXAMPLES))
    shares = np.clip(rng.normal(accuracy, 0.01, (3, n_models)), 0, 1)
    return ModelOutputs(
        forget_confidence=forget,
        test_confidence=rng.normal(size=(n_models, 30)) if test else None,
        calibrated_confidence=forget / 2 + 0.1 * shift if calibrated else None,
        **{f"{of}_accuracy": row for of, row in zip(SETS, shares, strict=True)},
    )


@pytest.fixture(scope="module")
def reference():
    originals = ModelOutputs.stack([models(s, 1, seed=9) for s in (2.0, 4.0)])
    return Reference(models(0.0, 2 * N, seed=1), N, originals)


@pytest.fixture(scope="module")
def parts(reference):
    shifts = enumerate((0.3, 0.6, 1.0))
    return [Measurement(models(s, seed=10 + k), reference) for k, s in shifts]


@pytest.fixture(scope="module")
def measurement(parts, reference):
    return OriginalsMeasurement(parts, reference)


@pytest.fixture(scope="module")
def metrics(measurement):
    return measurement.metrics()


NAMES = (
    "score",
    "forgetting_quality",
    "calibrated_score",
    "calibrated_forgetting_quality",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_the_mean_over_the_originals(metrics, parts, name):
    each = [getattr(part.metrics(), name) for part in parts]

    found = getattr(metrics, name)

    assert len({number.value for number in each}) == 3
    assert found.value == pytest.approx(np.mean([n.value for n in each]), rel=1e-12)
    assert found.low <= found.value <= found.high
    assert found.ceiling == each[0].ceiling
    assert found.floor == each[0].floor


def test_calibrated_numbers_are_those_of_calibrated_confidences(parts, reference):
    """And the official ones are to the digit what they are without a calibration."""
    (first, *_), calibrated = parts, reference.calibrated
    plain = Measurement(models(0.3, seed=10, calibrated=False), reference).metrics()

    found = first.metrics()

    other = Measurement(models(0.3, seed=10).calibrated(), calibrated).metrics()
    assert found.calibrated_score == other.score
    assert found.calibrated_forgetting_quality == other.forgetting_quality
    assert (found.score, found.metrics) == (plain.score, plain.metrics)
    assert plain.calibrated_score is plain.calibrated_forgetting_quality is None


def test_without_calibrated_confidences_of_one_original_there_is_no_calibrated_score(
    parts, reference
):
    bare = Measurement(models(0.5, seed=7, calibrated=False), reference)

    metrics = OriginalsMeasurement([parts[0], bare], reference).metrics()

    assert metrics.calibrated_score is None
    assert metrics.calibrated_forgetting_quality is None
    assert metrics.score.value > 0


def test_epsilon_of_an_example_is_the_median_and_all_else_of_it_the_mean(
    measurement, parts
):
    where = np.arange(EXAMPLES), np.zeros(EXAMPLES, dtype=np.int64)

    table = measurement.examples(*where)

    tables = [part.examples(*where) for part in parts]
    assert [row.index for row in table] == list(range(EXAMPLES))
    for name in [each.name for each in fields(table[0])][2:]:
        middle = np.median if name == "epsilon" else np.mean
        wanted = middle([[getattr(r, name) for r in rows] for rows in tables], axis=0)
        assert np.allclose([getattr(row, name) for row in table], wanted), name
    epsilons = np.median([part.official.epsilon for part in parts], axis=0)
    assert np.array_equal(measurement.official.epsilon, epsilons)


def test_a_bound_of_one_of_several_originals_may_fail_a_share_of_the_time(reference):
    outputs = models(2.0, seed=7)
    where = np.arange(EXAMPLES), np.zeros(EXAMPLES, dtype=np.int64)

    alone, one_of_four = (
        Measurement(outputs, reference, n_originals=n).examples(*where) for n in (1, 4)
    )

    pair = outputs.forget_confidence, reference.retrained.forget_confidence
    each = [certified_epsilon(*pair, seed=SEED, alpha=0.05 / n).epsilon for n in (1, 4)]
    assert [row.certified_epsilon for row in alone] == each[0].tolist()
    assert [row.certified_epsilon for row in one_of_four] == each[1].tolist()
    assert each[1].sum() < each[0].sum()


def test_metrics_of_the_literature_are_means_and_keep_their_order(metrics, parts):
    each = [part.metrics().metrics for part in parts]

    for found, *values in zip(metrics.metrics, *each, strict=True):
        assert {v.name for v in values} == {found.name}
        assert found.direction == values[0].direction
        if any(v.value is None for v in values):
            assert found.value is None
            assert found.reason_missing
        else:
            assert found.value == pytest.approx(np.mean([v.value for v in values]))
        if found.low is not None:
            assert found.low <= found.value <= found.high


def test_f_against_n_is_a_mean_too(metrics, parts):
    each = [part.metrics().precision for part in parts]

    assert metrics.precision
    for row, *rows in zip(metrics.precision, *each, strict=True):
        assert {r.n_models for r in rows} == {row.n_models}
        assert row.mean == pytest.approx(np.mean([r.mean for r in rows]))


def test_accuracies_are_those_of_all_models(metrics, parts):
    shares = np.concatenate([part.unlearned.accuracy("test") for part in parts])

    assert metrics.test_accuracy.value == pytest.approx(shares.mean())


def test_a_flag_of_one_original_is_a_flag_of_the_result_once(parts, reference):
    runs = [run_record(i, moved=0.0) for i in range(N)]
    still = Measurement(models(0.5, seed=7), reference, runs=runs)
    assert FlagCode.UNMOVED_WEIGHTS not in {f.code for f in parts[0].metrics().flags}

    cases = ([parts[0], still], 1), ([still, parts[0]], 0), ([still, still], 0)
    for each, place in cases:
        flags = OriginalsMeasurement(each, reference).flags()

        codes = [flag.code for flag in flags]
        (raised,) = (f for f in flags if f.code == FlagCode.UNMOVED_WEIGHTS)
        assert raised.message.startswith(f"Runs from original model {place}: ")
        assert codes == [code for code in FlagCode if code in codes]


def test_a_floor_is_the_mean_of_what_each_original_gets(reference):
    """Together they would be two clusters, which no attack on an interval tells."""
    originals = reference.original
    alone = [Reference(reference.bank, N, originals.take([k])).floors for k in range(2)]

    floors = reference.floors

    for name in ("forgetting_quality", "score"):
        wanted = np.mean([getattr(each, name) for each in alone])
        assert getattr(floors, name) == pytest.approx(wanted)


def test_a_submission_to_be_compared_earns_the_mean(measurement, parts, metrics):
    scored = measurement.scored

    assert scored.value == pytest.approx(metrics.score.value)
    earned = np.concatenate([part.scored.earned for part in parts])
    assert np.array_equal(scored.earned, earned)


def test_runs_are_measured_apart_by_the_original_they_start_from(reference):
    """Whatever their order; those of an earlier version are of the only one."""
    table = models(0.5, 2 * N, seed=4)
    places = np.arange(2 * N) % 2

    def runs(known):
        for i in np.random.default_rng(0).permutation(2 * N).tolist():
            one = vars(table.take([i])) | {"original": [places[i]] if known else None}
            yield run_record(i, outputs=ModelOutputs(**one), moved=1.0 + i)

    both = measure_runs(list(runs(known=True)), reference)
    one = measure_runs(list(runs(known=False))[:N], reference)

    assert isinstance(both, OriginalsMeasurement)
    assert isinstance(one, Measurement)
    wanted = [
        Measurement(table.take(places == k), reference).forgetting_quality.value
        for k in (0, 1)
    ]
    assert both.forgetting_quality.value == pytest.approx(np.mean(wanted))
