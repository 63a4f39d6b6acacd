"""Runs are spread over a track's originals, and a result is the mean over these."""

import csv

import numpy as np
import pytest

from harness.errors import UsageError
from harness.execution.local import LocalExecutor
from harness.sandbox import Level, Sandbox
from harness.scoring import scorer as scorer_module
from harness.scoring.scorer import Scorer
from harness.status import Status
from harness.storage.files import sha256_of
from harness.storage.shipped import shipped_submissions
from harness.tasks.registry import find_task
from tests.conftest import CountingExecutor
from tests.scoring.conftest import Desk

IDENTITY = shipped_submissions() / "identity.py"


@pytest.fixture(scope="module")
def executor_of_two(track_of_two, bank_of_two):
    task, originals = find_task(track_of_two), bank_of_two.original_weights
    with LocalExecutor(task, "cpu", originals, 1, Sandbox(Level.NONE)) as executor:
        yield executor


@pytest.fixture
def counting(executor_of_two, monkeypatch):
    """Takes the place of the executor that a scorer would start."""
    executor = CountingExecutor(executor_of_two)
    monkeypatch.setattr(scorer_module, "LocalExecutor", lambda *_: executor)
    return executor


@pytest.fixture
def desk(settings, track_of_two, counting, heard, tmp_path):
    """Scores on two originals, N = 3 of each."""

    def score(path, **changes):
        chosen = settings(**{"track": track_of_two, "n_models": 3, **changes})
        with Scorer(chosen, heard, Sandbox(Level.NONE)) as scorer:
            return scorer.score(path)

    def folder(name="identity", n=3):
        return sorted((tmp_path / "runs" / "two" / name).glob(f"*-n{n}"))

    return Desk(score, counting, heard, folder)


def rows(folder):
    with (folder / "models.csv").open() as file:
        return list(csv.DictReader(file))


def test_run_i_starts_from_the_original_i_modulo_their_number(
    desk, bank_of_two, executor_of_two
):
    """Given back unchanged, its weights are those, and nothing has moved."""
    result = desk.score(IDENTITY)

    assert (result.n_models, result.n_finished) == (3, 6)
    assert result.provenance.originals == 2
    assert desk.heard.begun[-1] == ("identity", 6, 0)
    (folder,) = desk.folder()
    table = rows(folder)
    assert [row["original"] for row in table] == list("010101")
    wanted = [
        sha256_of(executor_of_two.spec.pack(weights))
        for weights in bank_of_two.original_weights
    ]
    assert [row["weights_sha256"] for row in table] == 3 * wanted
    assert {float(row["moved"]) for row in table} == {0.0}
    with np.load(folder / "examples.npz") as arrays:
        originals = bank_of_two.original
        for name in ("forget_confidence", "calibrated_confidence", "calibration"):
            stored = getattr(originals.in_single_precision(), name)
            assert np.array_equal(arrays[name], np.tile(stored, (3, 1))), name


def test_originals_given_back_score_nothing_by_either_confidence(desk):
    """Pooled, two clusters of models would pass for what no attack can tell."""
    metrics = desk.score(IDENTITY).metrics

    for name in ("score", "calibrated_score"):
        assert getattr(metrics, name).value == 0
    assert metrics.calibrated_forgetting_quality.value == 0
    assert metrics.epsilon.value == 50
    assert metrics.forget_accuracy.value == metrics.forget_accuracy.floor
    assert [flag.code for flag in metrics.flags].count("unmoved-weights") == 1


def test_a_scored_submission_has_both_scores_in_the_mean_over_the_originals(
    desk, method
):
    metrics = desk.score(method).metrics

    for name in ("score", "calibrated_score"):
        number = getattr(metrics, name)
        assert number.value >= 0
        assert number.low is None
        assert number.reason.endswith("needs N ≥ 8 models on either side; there are 3")
    assert 0 <= metrics.calibrated_forgetting_quality.value <= 1


def test_more_models_of_each_continue_a_smaller_result(desk, method):
    first = desk.score(method, n_models=2)
    assert desk.heard.begun[-1] == ("method", 4, 0)
    desk.repeated()

    larger = desk.score(method, n_models=3)

    assert desk.repeated() == [4, 5]
    assert (larger.n_models, larger.n_finished) == (3, 6)
    (small,), (large,) = desk.folder("method", 2), desk.folder("method", 3)
    for ours, theirs in zip(rows(large), rows(small), strict=False):
        assert ours["weights_sha256"] == theirs["weights_sha256"]
    assert desk.score(method, n_models=2) == first
    assert desk.repeated() == []


def test_one_original_alone_is_another_result(desk, method):
    both = desk.score(method, n_models=2)
    desk.repeated()

    one = desk.score(method, n_models=2, originals=1)

    assert desk.repeated() == [0, 1]
    assert (one.n_finished, one.provenance.originals) == (2, 1)
    assert one.metrics.score != both.metrics.score
    folders = desk.folder("method", 2)
    assert len(folders) == 2
    assert {len({row["original"] for row in rows(f)}) for f in folders} == {1, 2}


@pytest.mark.parametrize("count", [0, -1, 3])
def test_originals_that_a_track_does_not_have_are_refused(
    settings, track_of_two, count
):
    with pytest.raises(UsageError) as caught:
        settings(track=track_of_two, originals=count)

    assert str(caught.value) == f"--originals {count} is not 1 to 2: two has 2."


def test_the_command_refuses_them_in_one_sentence(cli, method):
    words = ["score", method, "--originals", 9, "--track", "cifar10-quick"]
    ended = cli(*words, "-o", method.parent / "runs", "--isolation", "none")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1] == (
        "Error: --originals 9 is not 1 to 4: cifar10-quick has 4."
    )


def test_checkpoints_come_from_one_original(desk, bank_of_two, saved, tmp_path):
    import torch  # noqa: PLC0415 - a second that other tests do without

    folder = tmp_path / "ckpts"
    folder.mkdir()
    for number in range(3):
        weights = bank_of_two.original_weights[0].items()
        state = {n: torch.from_numpy(np.array(a)) for n, a in weights}
        state["fc.bias"] += 0.1 * number
        path = folder / f"unlearned_checkpoint_{number}.pth"
        path.write_bytes(saved(state))

    result = desk.score(folder)

    assert result.status is Status.SCORED
    assert (result.n_finished, result.provenance.originals) == (3, 1)
    (stored,) = desk.folder("ckpts")
    assert {row["original"] for row in rows(stored)} == {"0"}


def test_results_of_different_numbers_of_originals_are_not_compared(
    desk, cli, method, tmp_path
):
    desk.score(method, n_models=2)
    (both,) = desk.folder("method", 2)
    desk.score(method, n_models=2, originals=1)
    (one,) = set(desk.folder("method", 2)) - {both}

    ended = cli("compare", both, one)

    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        "Error: method was scored on 2 original models and method on 1; score both "
        "with the same --originals."
    )
