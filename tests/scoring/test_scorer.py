"""From a submission to its result folder, and back again without repeating anything."""

import csv
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UnlearnEvalError, UsageError
from harness.results.schema import Metrics, Result
from harness.sandbox import Level, Sandbox
from harness.scoring import scorer as scorer_module
from harness.scoring.scorer import Scorer
from harness.status import Status
from harness.storage.shipped import shipped_submissions


def strict(text: str):
    """Parse JSON as the standard has it: no NaN, no infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def capped(track):
    """The tiny track with another cap: the same bank, for the cap changes no model."""

    def make(cap):
        return replace(track, evaluation=replace(track.evaluation, cap=cap))

    return make


def test_a_scored_submission_has_every_number_in_its_range(score, method):
    result = score(method)

    assert result.status == Status.SCORED
    assert (result.n_models, result.n_finished) == (4, 4)
    metrics = result.metrics
    assert 0 <= metrics.forgetting_quality.value <= 1
    assert metrics.score.value >= 0
    for of in ("retain", "test", "forget"):
        assert 0 <= getattr(metrics, f"{of}_accuracy").value <= 1
    assert metrics.efficiency.ratio > 0
    assert 0 <= metrics.epsilon.value <= 50


def test_the_score_is_f_times_the_ratios_of_accuracies(score, method):
    metrics = score(method).metrics

    wanted = metrics.forgetting_quality.value
    wanted *= metrics.retain_accuracy.ratio * metrics.test_accuracy.ratio
    assert metrics.score.value == pytest.approx(wanted, rel=1e-12)


def test_the_result_folder_holds_all_that_backs_the_score(desk, method, split):
    result = desk.score(method)

    folder = desk.folder()
    content = strict((folder / "result.json").read_text())
    assert Result.from_dict(content) == result
    with (folder / "models.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == [0, 1, 2, 3]
    assert len({row["weights_sha256"] for row in rows}) == 4
    with np.load(folder / "examples.npz", allow_pickle=False) as arrays:
        for of in ("forget", "test"):
            assert arrays[f"{of}_confidence"].shape == (4, len(split.forget.targets))
    assert (folder / "submission.py").read_text() == method.read_text()
    assert not (folder / "runs").exists()
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_a_result_says_what_it_was_made_from(score, method, track, bank):
    provenance = score(method).provenance

    assert provenance.track == "tiny"
    assert provenance.track_hash == track.hash
    assert provenance.bank_key == bank.key
    assert provenance.seed == 0
    assert provenance.isolation.level == "none"
    assert len(provenance.retraining_seconds) >= 3


def test_doing_nothing_scores_nothing(score):
    result = score(shipped_submissions() / "identity.py")

    assert result.status == Status.SCORED
    assert result.metrics.score.value == 0
    assert result.metrics.epsilon.value == 50
    original = result.metrics.forget_accuracy
    assert original.value == original.floor


def test_a_stored_result_is_taken_without_a_single_run(desk, method):
    first = desk.score(method)
    desk.repeated()
    desk.executor.opened = 0

    second = desk.score(method)

    assert second == first
    assert (desk.repeated(), desk.executor.opened) == ([], 0)
    assert [reused for _, reused in desk.heard.results] == [False, True]


def test_force_repeats_every_run_and_gets_the_same_bits(desk, method):
    desk.score(method)
    before = digest(desk.folder() / "examples.npz")
    desk.repeated()

    desk.score(method, force=True)

    assert desk.repeated() == [0, 1, 2, 3]
    assert digest(desk.folder() / "examples.npz") == before


def test_one_worker_gives_the_same_bits_as_two(
    desk, method, settings, tmp_path, monkeypatch
):
    desk.score(method, n_jobs=2)
    monkeypatch.undo()  # An executor of its own, with one worker.
    with Scorer(
        settings(output=tmp_path / "one"), desk.heard, Sandbox(Level.NONE)
    ) as scorer:
        scorer.score(method)

    (other,) = (tmp_path / "one").rglob("examples.npz")
    assert digest(other) == digest(desk.folder() / "examples.npz")


def test_another_source_is_another_submission(score, method, tmp_path):
    first = score(method)
    method.write_text(method.read_text() + "# another line\n")
    second = score(method)

    assert first.about.sha256 != second.about.sha256
    assert len(list((tmp_path / "runs" / "tiny" / "method").iterdir())) == 2


def test_another_seed_draws_other_runs_and_keeps_both_results(score, method, tmp_path):
    first, second = score(method), score(method, seed=1)

    assert first.metrics.retain_accuracy != second.metrics.retain_accuracy
    assert len(list((tmp_path / "runs" / "tiny" / "method").iterdir())) == 2


def test_more_models_are_the_same_ones_and_only_the_missing_ones_run(desk, method):
    desk.score(method)
    desk.repeated()

    result = desk.score(method, n_models=6)

    assert desk.repeated() == [4, 5]
    assert (result.n_models, result.n_finished) == (6, 6)
    assert desk.score(method).n_models == 4
    assert desk.repeated() == []


def test_fewer_models_need_no_run_and_lose_none(desk, method):
    desk.score(method, n_models=6)
    desk.repeated()

    desk.score(method, n_models=3)
    desk.score(method, n_models=6)

    assert desk.repeated() == []


@pytest.fixture
def interrupted(desk, method):
    """A scoring that Ctrl-C ended after two runs of four."""

    def interrupt():
        if (
            desk.heard.begun[-1][0] == "method"
            and desk.heard.advanced >= desk.heard.goal
        ):
            raise KeyboardInterrupt

    def make():
        desk.score(shipped_submissions() / "identity.py")  # Measures a retraining.
        desk.heard.goal = desk.heard.advanced + 2
        desk.heard.on_advance = interrupt
        with pytest.raises(KeyboardInterrupt):
            desk.score(method)
        desk.heard.on_advance = lambda: None
        return method

    return make


def test_what_was_finished_before_an_interruption_is_not_repeated(
    desk, interrupted, method, tmp_path
):
    interrupted()
    kept = sorted(path.name for path in (desk.folder() / "runs").iterdir())
    assert len(kept) == 2
    desk.repeated()

    result = desk.score(method)

    assert len(desk.repeated()) == 2
    assert desk.heard.begun[-1] == ("method", 4, 2)
    assert result.status == Status.SCORED
    resumed = digest(desk.folder() / "examples.npz")
    desk.score(method, output=tmp_path / "again")
    (whole,) = (tmp_path / "again").rglob("examples.npz")
    assert digest(whole) == resumed


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_run_is_done_again(desk, interrupted, method, content):
    interrupted()
    path = next((desk.folder() / "runs").iterdir())
    path.write_bytes(path.read_bytes()[:-8] if content is None else content)
    desk.repeated()

    assert desk.score(method).status == Status.SCORED
    assert len(desk.repeated()) == 3


def test_a_run_of_another_seed_is_not_taken_for_ours(desk, interrupted, method):
    interrupted()
    first, second = sorted((desk.folder() / "runs").iterdir())
    first.write_bytes(second.read_bytes())
    desk.repeated()

    desk.score(method)

    assert len(desk.repeated()) == 3


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("examples.npz", "flipped"),
        ("examples.npz", "gone"),
        ("models.csv", "cut"),
        ("models.csv", "flipped"),
    ],
)
def test_a_damaged_file_of_a_result_is_noticed_and_made_again(
    desk, method, name, damage
):
    first = desk.score(method)
    bits = digest(desk.folder() / "examples.npz")
    path = desk.folder() / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flipped" else content[:-9])
    desk.repeated()

    second = desk.score(method)

    assert desk.repeated() == [0, 1, 2, 3]
    assert name in desk.heard.lines[-1]
    assert second.metrics.score == first.metrics.score
    assert digest(desk.folder() / "examples.npz") == bits


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 99}', "\xff"])
def test_a_damaged_result_is_noticed_and_made_again(desk, method, content):
    first = desk.score(method)
    path = desk.folder() / "result.json"
    path.write_text(content, encoding="latin-1")

    second = desk.score(method)

    assert "result.json" in desk.heard.lines[-1]
    assert second.metrics.score == first.metrics.score
    assert strict(path.read_text())["status"] == "scored"


def test_a_result_without_its_sums_is_made_again(desk, method):
    """As an attempt that failed leaves it, beside the files of an earlier one."""
    desk.score(method)
    path = desk.folder() / "result.json"
    content = strict(path.read_text())
    path.write_text(json.dumps({**content, "files": {}, "status": "error"}))
    (desk.folder() / "examples.npz").write_bytes(b"PK\x03\x04 damaged")
    desk.repeated()

    assert desk.score(method).status == Status.SCORED
    assert desk.repeated() == [0, 1, 2, 3]


BRITTLE = """
import os
FLAG = {flag!r}

def unlearning(net, retain, forget, validation, seed):
    if os.path.exists(FLAG):
        print("about to fail")
        raise RuntimeError("the flag is up")
"""


@pytest.fixture
def brittle(write, tmp_path):
    """A submission that fails while a certain file is there."""
    return write(BRITTLE.format(flag=str(tmp_path / "flag")), "brittle.py")


def test_a_failing_run_is_named_with_its_seed_and_a_command_that_repeats_it(
    score, brittle, tmp_path, track_file
):
    (tmp_path / "flag").touch()

    result = score(brittle)

    assert result.status == Status.ERROR
    assert result.n_finished == 0
    pattern = r"run \d \(seed (\d+)\): it raised RuntimeError: the flag is up\."
    found = re.fullmatch(pattern, result.reason)
    assert found
    assert result.traceback.splitlines()[-1] == "RuntimeError: the flag is up"
    assert result.repeat == (
        f"unlearn-eval validate {brittle} --track {track_file} --isolation none "
        f"--seed {found[1]}"
    )
    assert result.metrics == Metrics()


def test_a_failed_attempt_never_replaces_a_scored_one(desk, brittle, tmp_path):
    desk.score(brittle)
    before = digest(desk.folder("brittle") / "result.json")
    (tmp_path / "flag").touch()

    failed = desk.score(brittle, force=True)

    assert failed.status == Status.ERROR
    folder = desk.folder("brittle")
    assert digest(folder / "result.json") == before
    last = strict((folder / "last-failure.json").read_text())
    assert last["status"] == "error"
    assert desk.score(brittle).status == Status.SCORED


def test_a_failed_submission_is_tried_again_the_next_time(score, brittle, tmp_path):
    (tmp_path / "flag").touch()
    assert score(brittle).status == Status.ERROR
    (tmp_path / "flag").unlink()

    assert score(brittle).status == Status.SCORED


SLOW = "import time\nSTART = time.process_time()\n"
SLOW += "def unlearning(net, retain, forget, validation):\n"
SLOW += "    while time.process_time() - START < 0.4: pass\n"


def test_a_submission_far_over_the_cap_is_stopped_early_and_says_how_far_it_got(
    desk, capped, write
):
    slow = write(SLOW, "slow.py")

    result = desk.score(slow, track=capped(0.01), n_models=8)

    assert result.status == Status.OVER_BUDGET
    assert 4 <= result.n_finished < 8
    assert f"It was stopped after {result.n_finished} of 8 runs." in result.reason
    assert "of a retraining" in result.reason
    assert result.metrics.efficiency.ratio > 0.02
    assert not result.is_complete


def test_a_verdict_over_the_cap_is_stored_as_well(desk, capped, write):
    slow = write(SLOW, "slow.py")
    first = desk.score(slow, track=capped(0.01), n_models=8)
    desk.repeated()

    assert desk.score(slow, track=capped(0.01), n_models=8) == first
    assert desk.repeated() == []


def test_a_reference_runs_to_its_end_whatever_it_costs(
    score, capped, write, monkeypatch
):
    oracle = write("REFERENCE = True\n" + SLOW, "oracle.py")
    # Only a control that travels with the package is a reference.
    monkeypatch.setattr("harness.run.submission.REFERENCES", ("oracle",))
    folder = oracle.parent
    monkeypatch.setattr("harness.run.submission.shipped_submissions", lambda: folder)

    result = score(oracle, track=capped(0.01), n_models=6)

    assert result.is_reference
    assert result.n_finished == 6
    assert result.metrics.forgetting_quality.value >= 0


def test_a_strangers_file_is_no_reference_whatever_it_calls_itself(
    score, capped, write
):
    result = score(
        write("REFERENCE = True\n" + SLOW, "retrain.py"), track=capped(0.01), n_models=6
    )

    assert not result.is_reference
    assert result.status == Status.OVER_BUDGET
    assert result.n_finished < 6


def test_another_cap_is_another_verdict_on_the_same_runs(desk, capped, method):
    assert desk.score(method).status == Status.SCORED
    desk.repeated()

    result = desk.score(method, track=capped(0.001))

    assert result.status == Status.OVER_BUDGET
    assert result.metrics.efficiency.cap == 0.001
    assert desk.repeated() == []
    assert desk.score(method).status == Status.SCORED


def test_what_cannot_be_right_is_told_without_a_run(desk, write):
    result = desk.score(write("def unlearning(net): pass\n", "wrong.py"))

    assert result.status == Status.INVALID
    assert "it is called with four" in result.reason
    assert desk.executor.opened == 0


def test_output_of_the_runs_is_kept(desk, write):
    desk.score(write("def unlearning(*a, **k): print('hello')\n", "talker.py"))

    kept = sorted((desk.folder("talker") / "output").iterdir())
    assert [path.read_text() for path in kept] == ["hello\n"] * 4


def test_a_full_disk_loses_nothing_that_was_finished(
    desk, interrupted, method, monkeypatch
):
    interrupted()
    desk.repeated()
    with monkeypatch.context() as patch:
        patch.setattr("harness.storage.files.os.fsync", _refuse)
        with pytest.raises(UnlearnEvalError, match="the disk is full"):
            desk.score(method)
    assert len(list((desk.folder() / "runs").iterdir())) == 2
    desk.repeated()

    assert desk.score(method).status == Status.SCORED
    assert len(desk.repeated()) == 2


def _refuse(descriptor):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_models": 1}, "--n-models 1 is too few: epsilon compares distributions"),
        ({"n_models": 0}, "--n-models 0 is too few"),
        ({"n_jobs": 0}, "--n-jobs 0 is too few: at least 1 run at a time"),
    ],
)
def test_settings_out_of_range_are_refused(settings, change, message):
    with pytest.raises(UsageError, match=message):
        settings(**change)


def test_a_bank_too_small_is_told_with_the_command_that_builds_it(
    score, method, track_file
):
    with pytest.raises(UsageError) as caught:
        score(method, n_models=9)

    assert str(caught.value) == (
        "the reference bank of tiny has 8 retrained models, not 9; build it with: "
        f"unlearn-eval reference build --track {track_file} -n 9."
    )


def test_runs_that_wait_without_computing_end_the_scoring(desk, method, monkeypatch):
    monkeypatch.setattr(scorer_module, "MOST_IDLE_SECONDS", -1.0)
    result = desk.score(method)
    assert result.status is Status.TIMEOUT
    assert "without using CPU time" in result.reason
