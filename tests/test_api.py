"""The Python API scores, compares and shows what the commands do."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import harness
from harness import Result, compare, estimate, leaderboard, score, validate
from harness.errors import UsageError
from harness.status import Status

README = Path(__file__).parents[1] / "README.md"
STEP = 0.05


def shaken(net, retain, forget, validation, *, seed):
    """Shake the weights and take one step."""
    with torch.no_grad():
        for p in net.parameters():
            if p.ndim > 1:
                p.add_(STEP * p.std() * torch.randn_like(p))
    net.train()
    inputs, targets = next(iter(retain))
    F.cross_entropy(net(inputs), targets).backward()
    with torch.no_grad():
        for p in net.parameters():
            p.sub_(STEP * p.grad)


@pytest.fixture(scope="module")
def scored(track_file, bank, tmp_path_factory):
    """Scores on the tiny track, results in one folder of this module."""
    output = tmp_path_factory.mktemp("api")
    return partial(score, track=str(track_file), output=output, n_jobs=1)


@pytest.fixture(scope="module")
def result(scored) -> Result:
    return scored(shaken, progress=False)


def test_a_function_is_scored_in_the_sandbox_from_its_source(result):
    assert result.status is Status.SCORED, result.reason
    assert result.name == "shaken"
    assert result.about.summary == ""
    assert result.metrics.score.value >= 0
    assert result.provenance.isolation.level == harness_level()
    assert (result.folder / "submission.py").read_text().count("STEP = 0.05") == 1


def harness_level() -> str:
    from harness.sandbox import choose  # noqa: PLC0415

    return str(choose().level)


def test_scored_again_it_is_the_stored_result(scored, result):
    assert scored(shaken, progress=False) == result


def test_a_file_gives_what_its_function_gives(scored, result, tmp_path):
    path = tmp_path / "shaken.py"
    path.write_text((result.folder / "submission.py").read_text())

    assert scored(path, progress=False).metrics.score == result.metrics.score


def test_the_frame_has_a_row_for_each_number(result):
    frame = result.to_frame()

    assert frame.loc["score", "value"] == result.metrics.score.value
    assert frame.loc["score", "ceiling"] == result.metrics.score.ceiling
    names = {row.name for row in result.metrics.metrics}
    assert names <= set(frame.index)
    assert len(result.runs()) == result.n_models


def test_a_notebook_shows_the_card_and_no_markup_of_strangers(result):
    shown = result._repr_html_()

    assert "official F" in shown
    assert (
        "<script"
        not in Result(
            **{
                **vars(result),
                "status": Status.ERROR,
                "reason": "it raised <script>alert(1)</script>.",
            }
        )._repr_html_()
    )


def test_a_result_gives_its_report(result, track_file, tmp_path):
    file = tmp_path / "report.html"

    made = result.report(file, track=str(track_file))

    assert file.read_text() == made.html
    assert "Every example" in made.html
    assert made._repr_html_().startswith("<iframe")


def test_a_submission_that_fails_is_a_result_with_a_reason(scored):
    def unlearning(net, retain, forget, validation):
        raise ValueError("on purpose")

    failed = scored(unlearning, progress=False, isolation="none")

    assert failed.status is Status.ERROR
    assert "on purpose" in failed.reason
    assert failed.metrics.score is None
    assert failed.to_frame()["value"].isna().all()


def test_validate_tells_what_is_wrong(track_file, bank, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("def unlearning(net): return net")

    found = validate(path, track=str(track_file), progress=False)

    assert not found.ok
    assert "takes 1 arguments" in found.problems[0]


def test_a_result_compared_with_itself_does_not_differ(scored, result, track_file):
    difference = compare(result, result, track=str(track_file))

    assert difference.difference == 0
    assert not difference.separable


def test_estimate_is_the_command_on_arrays():
    rng = np.random.default_rng(0)
    found = estimate(rng.normal(size=(16, 20)), rng.normal(size=(16, 20)))

    assert (found.n_models, found.n_examples) == (16, 20)
    assert 0 < found.forgetting_quality.value < 1
    assert found.metrics


def test_a_leaderboard_without_results_says_how_to_make_some(
    track_file, bank, tmp_path
):
    with pytest.raises(UsageError, match="there are no results in"):
        leaderboard(track=str(track_file), output=tmp_path)


@pytest.mark.parametrize("what", [3, None, ["a.py"]])
def test_what_is_no_submission_is_refused(scored, what):
    with pytest.raises(
        UsageError, match="is no submission; give a path, or a function"
    ):
        scored(what)


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys, harness; print({'torch', 'pandas', 'numpy'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", program]) == b"set()\n"


def test_everything_promised_is_there():
    assert all(getattr(harness, name) is not None for name in harness.__all__)
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = harness.scores


def test_the_example_in_readme_runs(track_file, bank, tmp_path, monkeypatch):
    (code,) = re.findall(
        r"```python\n(from harness import .*?)```", README.read_text(), re.S
    )
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "example.py"
    tiny = code.replace('"cifar10-quick"', repr(str(track_file)))
    script.write_text(tiny.replace("n_models=8", "n_models=4, n_jobs=1"))

    told = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr
    assert "score" in told.stdout
