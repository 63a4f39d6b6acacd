"""Checkpoints made elsewhere score as the runs that made them would, without a cost."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.execution.local import Job
from harness.models.weights import WeightSpec
from harness.results.card import score_card
from harness.results.schema import Efficiency, Metrics
from harness.run.submission import read_submission
from harness.scoring.retraining import RetrainingCost
from harness.scoring.seeds import run_seeds
from harness.status import Status
from harness.storage.shipped import shipped_submissions


@pytest.fixture
def states(bank):
    """Four different networks near the original."""
    generator = torch.Generator().manual_seed(5)

    def near(name, array):
        tensor = torch.from_numpy(array.copy())
        if not name.endswith("weight"):
            return tensor
        return tensor + 0.02 * torch.randn(tensor.shape, generator=generator)

    original = bank.original_weights[0]
    return [{n: near(n, array) for n, array in original.items()} for _ in range(4)]


@pytest.fixture
def folder(tmp_path, saved):
    """Writes state dicts, or bytes, as a notebook of 2023 did."""

    def make(contents, name: str = "ckpts") -> Path:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        for number, content in enumerate(contents):
            data = content if isinstance(content, bytes) else saved(content)
            (path / f"unlearned_checkpoint_{number}.pth").write_bytes(data)
        return path

    return make


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return path


def test_checkpoints_are_scored_with_every_number_but_the_cost(desk, folder, states):
    result = desk.score(folder(states))

    assert (result.status, result.n_finished) == (Status.SCORED, 4)
    metrics = result.metrics
    assert 0 <= metrics.forgetting_quality.value <= 1
    unknown = Efficiency(cap=1.0, reason="cost unknown: made elsewhere")
    assert metrics.efficiency == unknown
    assert result.about.made == "elsewhere"


def test_nothing_is_retrained_for_what_has_no_cost(desk, folder, states, monkeypatch):
    measured: list[object] = []
    monkeypatch.setattr(RetrainingCost, "get", lambda *_: measured.append(1))

    result = desk.score(folder(states))

    assert result.status is Status.SCORED
    assert desk.repeated() == [0, 1, 2, 3]
    assert measured == []


def test_a_result_without_a_cost_says_so_and_takes_no_rank(desk, folder, states):
    result = desk.score(folder(states))

    assert not result.is_ranked
    card = score_card(result)
    assert "tiny · ckpts (checkpoints)" in card
    assert "Cost unknown: made elsewhere; it takes no rank." in card
    assert max(map(len, card.splitlines())) <= 80


def test_the_files_that_were_scored_are_listed_with_the_result(desk, folder, states):
    path = folder(states)
    desk.score(path)

    kept = desk.folder("ckpts")
    lines = (kept / "checkpoints.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    assert not (kept / "submission.py").exists()


def test_the_weights_that_a_submission_made_get_the_submissions_f(
    desk, shared_executor, folder, settings, method
):
    chosen = settings()
    submission = read_submission(method)
    seeds = run_seeds(chosen.track, submission.sha256, chosen.seed, chosen.n_models)
    jobs = [
        Job(i, submission.request(i, seed, "cpu", None)) for i, seed in enumerate(seeds)
    ]
    made = {o.job.index: o.report.weights for o in shared_executor.work(jobs)}
    spec: WeightSpec = shared_executor.spec
    states = [
        {n: torch.from_numpy(a.copy()) for n, a in spec.unpack(made[i]).items()}
        for i in range(4)
    ]

    ours = desk.score(folder(states))
    theirs = desk.score(method)

    for key in ("score", "forgetting_quality", "retain_accuracy", "epsilon"):
        assert getattr(ours.metrics, key) == getattr(theirs.metrics, key), key
    arrays = [np.load(desk.folder(n) / "examples.npz") for n in ("ckpts", "method")]
    for name in arrays[0].files:
        np.testing.assert_array_equal(arrays[0][name], arrays[1][name])


def test_half_precision_scores_nearly_the_same(desk, folder, states):
    halved = [
        {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
        for state in states
    ]

    exact = desk.score(folder(states)).metrics.retain_accuracy.value
    rounded = desk.score(folder(halved, "halved")).metrics.retain_accuracy.value

    assert rounded == pytest.approx(exact, abs=0.01)


def test_a_zip_gives_the_numbers_and_the_identity_of_its_folder(
    desk, folder, states, tmp_path
):
    loose = folder(states)
    first = desk.score(loose)
    identity = desk.folder("ckpts").name
    packed = zipped(loose)

    second = desk.score(packed, output=tmp_path / "others")

    assert second == first
    assert (tmp_path / "others" / "tiny" / "ckpts" / identity).is_dir()


def test_a_stored_result_is_taken_as_long_as_no_file_changes(desk, folder, states):
    path = folder(states)
    first = desk.score(path)
    assert desk.repeated() == [0, 1, 2, 3]

    assert desk.score(zipped(path)) == first
    assert desk.repeated() == []

    folder([states[1]])
    assert desk.score(path) != first
    assert desk.repeated() == [0, 1, 2, 3]


def test_an_interrupted_reading_goes_on_where_it_stopped(desk, folder, states):
    def interrupt() -> None:
        if desk.heard.advanced == 2:
            raise KeyboardInterrupt

    path = folder(states)
    desk.heard.on_advance = interrupt
    with pytest.raises(KeyboardInterrupt):
        desk.score(path)
    desk.heard.on_advance = lambda: None
    desk.repeated()

    result = desk.score(path)

    assert result.status is Status.SCORED
    assert desk.heard.begun[-1] == ("ckpts", 4, 2)
    assert len(desk.repeated()) == 2


def test_too_few_checkpoints_are_invalid_and_it_says_what_would_do(
    desk, folder, states
):
    result = desk.score(folder(states[:3]))

    assert result.status is Status.INVALID
    assert result.reason == (
        "too few: 3 checkpoints, N = 4 are needed; make more or give --n-models 3."
    )
    assert desk.repeated() == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (
            lambda state: {**state, "fc.bias": torch.zeros(11)},
            Status.INVALID,
            "checkpoint 2 holds wrong shapes: fc.bias is [11], not [10].",
        ),
        (
            lambda state: {**state, "fc.bias": torch.full((10,), torch.nan)},
            Status.NON_FINITE,
            "checkpoint 2 holds weights that are not finite, first in fc.bias.",
        ),
        (
            lambda state: (
                {**state, "fc.bias": torch.full((10,), 3.4e38)}
                | {"fc.weight": torch.full_like(state["fc.weight"], 3.4e38)}
            ),
            Status.NON_FINITE,
            "checkpoint 2: its network's outputs are not finite numbers.",
        ),
        (
            lambda state: b"PK\x03\x04 and no more",
            Status.INVALID,
            "checkpoint 2 cannot be read (",
        ),
    ],
)
def test_one_bad_checkpoint_is_named_by_its_number(
    desk, folder, states, *, change, status, words
):
    states[2] = change(states[2])

    result = desk.score(folder(states))

    assert result.status is status
    assert result.reason.startswith(words)
    assert result.metrics == Metrics()
    assert (result.traceback, result.repeat) == ("", "")


def test_checkpoints_and_submissions_are_scored_side_by_side(
    cli, executor, folder, *, states, method, track_file, tmp_path
):
    bad = folder([b"", *states[1:]], "bad")
    ended = cli(
        *("score", folder(states), bad, method, "--track", track_file, "-n", 4),
        *("-j", 1, "--isolation", "none", "-o", tmp_path / "out", "--json"),
    )

    assert ended.code == 3
    results = {r["submission"]: r for r in json.loads(ended.out)["results"]}
    assert [results[name]["status"] for name in ("ckpts", "bad", "method")] == [
        "scored",
        "invalid",
        "scored",
    ]
    assert results["ckpts"]["efficiency"]["ratio"] is None
    assert results["method"]["efficiency"]["ratio"] > 0
    assert "ckpts: scored" in ended.err
    assert "cost unknown: made elsewhere" in ended.err


def test_validate_takes_what_score_takes(
    cli, executor, folder, *, states, method, track_file
):
    """The first two checkpoints are read; the bad one is the third."""
    where = ("--track", track_file, "--isolation", "none", "--json")
    folders = folder(states, "good"), folder([*states[:2], b"", states[3]], "late")

    ended = cli("validate", *folders, folder([b"", *states[1:]], "bad"), method, *where)

    assert ended.code == 3
    found = {v["name"]: v for v in json.loads(ended.out)["validations"]}
    assert {name: v["valid"] for name, v in found.items()} == {
        "good": True,
        "late": True,
        "bad": False,
        "method": True,
    }
    assert "checkpoint 0" in found["bad"]["problems"][0]
    few = cli("validate", folder(states[:3], "few"), *where)
    assert few.code == 3
    assert "too few: 3 checkpoints, N = 4 are needed" in few.out


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"words"), "is no sound zip file"),
        (
            lambda path: zipfile.ZipFile(path, "w").writestr("method.py", ""),
            "it holds method.py and no checkpoints; unpack it",
        ),
    ],
)
def test_a_zip_that_cannot_be_scored_ends_with_3_and_a_sentence(
    cli, executor, track_file, *, tmp_path, make, words
):
    make(tmp_path / "x.zip")

    ended = cli(
        *("score", tmp_path / "x.zip", "--track", track_file, "-n", 4),
        *("--isolation", "none", "-o", tmp_path / "out"),
    )

    assert ended.code == 3
    assert "invalid: " in ended.out
    assert words in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("also", "words"),
    [
        (["ckpts.py"], "have the same name, ckpts; rename one."),
        (
            ["ckpts/method.py"],
            "holds submissions and checkpoints; give the .py files by name, or move",
        ),
    ],
)
def test_what_leaves_a_doubt_is_the_users_mistake(
    cli, folder, states, *, tmp_path, track_file, also, words
):
    path = folder(states)
    for name in also:
        (tmp_path / name).write_text("")
    given = [path, *(tmp_path / name for name in also if "/" not in name)]

    ended = cli("score", *given, "--track", track_file)

    assert ended.code == 2
    assert words in ended.err


def test_an_official_score_needs_a_cost(cli, folder, states, track_file):
    ended = cli("score", folder(states), "--track", track_file, "--official")

    assert ended.code == 2
    assert "--official needs the cost of every run, and that of " in ended.err


def test_shipped_submissions_are_not_taken_for_checkpoints(cli):
    ended = cli("score", shipped_submissions(), "-n", 1)

    assert "--n-models 1 is too few" in ended.err
