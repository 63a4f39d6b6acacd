"""A bundle has what Codabench asks for, and runs as its worker would run it."""

import json
import shlex
import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from harness.competition.codabench import COLUMNS, SAMPLES
from harness.competition.setup import SETUP
from harness.reference.build import BuildPlan, build_bank
from harness.results.store import RESULT
from harness.sandbox import Level, Sandbox
from harness.track import find_track

PRIVATE_SEED = 99


@pytest.fixture(scope="module")
def private_bank(track_file, cache):
    """A bank of the private split, of just as many models as a phase needs."""
    private = find_track(str(track_file), split_seed=PRIVATE_SEED)
    plan = BuildPlan(track=private, n_models=private.evaluation.n_models, jobs=2)
    return build_bank(plan, lambda done: None)


@pytest.fixture
def written(cli, bank, private_bank, track_file, tmp_path):
    """A bundle of the tiny track."""
    where = ("--track", track_file, "--isolation", "none", "--start", "2026-11-01")

    private = ("--private-split-seed", PRIVATE_SEED)
    ended = cli("bundle", "codabench", tmp_path / "b", *where, *private)

    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"Wrote {tmp_path / 'b.zip'}. It holds secrets")
    return tmp_path / "b"


def document(folder: Path):
    return yaml.safe_load((folder / "competition.yaml").read_text())


def test_the_description_has_what_the_format_asks_for(written, track_file):
    found = document(written)

    assert found["version"] == 2
    assert {"title", "image", "terms", "docker_image"} <= set(found)
    files = [found["image"], found["terms"], *(p["file"] for p in found["pages"])]
    for task in found["tasks"]:
        kinds = ("ingestion_program", "scoring_program", "input_data")
        files += [task[kind] for kind in (*kinds, "reference_data")]
    files += [each["path"] for each in found["solutions"]]
    files += [each["starting_kit"] for each in found["phases"]]
    missing = [name for name in files if not (written / name).exists()]
    assert missing == []
    assert all((written / page["file"]).read_text() for page in found["pages"])
    assert "{{" not in "".join(p.read_text() for p in written.rglob("*.md"))
    rules = " ".join((written / "pages/evaluation.md").read_text().split())
    evaluation = find_track(str(track_file)).evaluation
    n, originals = evaluation.n_models, evaluation.originals
    assert f"called {n} times on each of {originals} original networks" in rules
    # Each column is told what it is.
    for title in ("Score", "Official score", "Official F", "Cost"):
        assert f"*{title}*" in rules
        assert any(title in c["title"] for c in found["leaderboards"][0]["columns"])
    with zipfile.ZipFile(written.with_suffix(".zip")) as archive:
        assert "competition.yaml" in archive.namelist()


def test_tasks_phases_and_columns_fit_together(written):
    found = document(written)

    assert [task["index"] for task in found["tasks"]] == [0, 1]
    assert [phase["tasks"] for phase in found["phases"]] == [[0], [1]]
    assert {t for each in found["solutions"] for t in each["tasks"]} <= {0, 1}
    public, private = found["phases"]
    assert datetime.fromisoformat(public["end"]) < datetime.fromisoformat(
        private["start"]
    )
    assert "end" not in private
    assert "auto_migrate_to_this_phase" not in public
    assert private["auto_migrate_to_this_phase"]
    hidden = ("hide_output", "hide_prediction_output", "hide_score_output")
    assert all(private[key] and not public[key] for key in hidden)
    (board,) = found["leaderboards"]
    for column in board["columns"]:
        assert len(column["title"]) <= 36
        assert len(column["key"]) <= 36
        assert column["sorting"] in ("asc", "desc")
    assert [c["index"] for c in board["columns"]] == list(range(len(COLUMNS)))


def test_the_phases_have_two_splits_and_two_secrets(written):
    setups = [
        json.loads((written / name / kind / SETUP).read_text())
        for name in ("public", "private")
        for kind in ("input_data", "reference_data")
    ]

    assert [each["split_seed"] for each in setups] == [1, 1, 99, 99]
    assert setups[0] == setups[1] != setups[2] == setups[3]
    assert len({each["secret"] for each in setups}) == 2
    open_parts = [p for p in written.rglob("*.md") if "99" in p.read_text()]
    assert open_parts == []


def test_one_split_for_both_phases_is_refused(cli, bank, track_file, tmp_path):
    where = ("--track", track_file, "--private-split-seed", 1)

    ended = cli("bundle", "codabench", tmp_path / "b", *where)

    assert ended.code == 2
    assert "both phases have the split seed 1" in ended.err


class Worker:
    """Codabench's, as far as folders and commands go: two steps in two containers."""

    def __init__(self, cli, bundle: Path, root: Path, phase: int = 0) -> None:
        self._cli, self._bundle, self._root = cli, bundle, root
        self._task = document(bundle)["tasks"][phase]

    def step(self, kind: str, **folders: Path):
        """Run a program with its folders where the platform would mount them."""
        program = self._bundle / self._task[f"{kind}_program"]
        metadata = yaml.safe_load((program / "metadata.yaml").read_text())
        app = self._root / kind
        for name, source in folders.items():
            shutil.copytree(source, app / name.replace("__", "/"))
        (app / "output").mkdir(parents=True)
        words = shlex.split(metadata["command"].replace("/app/", f"{app}/"))
        assert words.pop(0) == "unlearn-eval"
        return self._cli(*words), app / "output"

    def submit(self, submission: Path):
        """Ingestion, then scoring, if the first went well."""
        data = self._bundle / self._task["input_data"]
        ended, output = self.step(
            "ingestion", input_data=data, ingested_program=submission
        )
        if ended.code:
            return ended, {}
        reference = self._bundle / self._task["reference_data"]
        ended, rated = self.step("scoring", input__ref=reference, input__res=output)
        scores = rated / "scores.json"
        return ended, json.loads(scores.read_text()) if scores.exists() else {}


@pytest.fixture
def worker(cli, executor, written, tmp_path):
    return lambda name: Worker(cli, written, tmp_path / name)


# The first is run in the private phase, below.
@pytest.mark.parametrize("name", SAMPLES[1:])
def test_a_sample_is_run_and_rated_as_on_the_platform(worker, written, tmp_path, name):
    ended, scores = worker("app").submit(written / "solutions" / name)

    assert ended.code == 0, ended.err
    assert set(scores) == {key for key, *_ in COLUMNS}
    assert all(isinstance(value, float) for value in scores.values())
    assert 0 < scores["score"] <= 1.5
    assert scores["cost"] > 0
    page = (tmp_path / "app/scoring/output/detailed_results.html").read_text()
    assert page.startswith("<!doctype html>")
    # What was stored before it was sent on gives the same score.
    (stored,) = (tmp_path / "app/ingestion/output").rglob(RESULT)
    assert json.loads(stored.read_text())["score"]["value"] == pytest.approx(
        scores["official_score"], abs=1e-6
    )


def test_the_private_phase_is_run_and_rated_on_a_split_and_bank_of_its_own(
    cli, private_bank, written, own_cache, tmp_path
):
    """As in a fresh container, where no bank is but the bundle's."""
    private = Worker(cli, written, tmp_path / "private", phase=1)

    ended, scores = private.submit(written / "solutions" / SAMPLES[0])

    assert ended.code == 0, ended.err
    assert 0 < scores["score"] <= 1.5
    sent = tmp_path / "private/ingestion/output"
    (stored,) = sent.rglob(RESULT)
    made = json.loads(stored.read_text())["provenance"]
    assert made["split_seed"] == PRIVATE_SEED
    assert made["bank_key"] == private_bank.key
    # What is sent to the other phase gets no score there.
    public = Worker(cli, written, tmp_path / "public")
    reference = written / "public/reference_data"
    ended, _ = public.step("scoring", input__ref=reference, input__res=sent)
    assert ended.code == 4
    assert "of another phase" in ended.err


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"submission.py": "def unlearning(*a): 1 / 0"}, "ZeroDivisionError"),
        ({"a.py": "", "b.py": ""}, "2 submissions were sent; send one"),
        ({"unlearned_checkpoint_0.pth": ""}, "checkpoints were sent, and what they"),
        ({"data.csv": ""}, "holds no submission"),
        ({"submission.py": "def unlearning(net): pass"}, "takes 1 arguments"),
    ],
)
def test_what_cannot_be_scored_ends_with_a_reason(worker, tmp_path, files, words):
    (tmp_path / "sent").mkdir()
    for name, text in files.items():
        (tmp_path / "sent" / name).write_text(text)

    ended, scores = worker("app").submit(tmp_path / "sent")

    assert ended.code in (2, 3)
    assert words in " ".join((ended.out + ended.err).split())
    assert scores == {}


def _change(stored: Path) -> None:
    (stored.parent / "models.csv").write_text("")


def _remove(stored: Path) -> None:
    stored.unlink()


def _double(stored: Path) -> None:
    shutil.copytree(stored.parent, stored.parent.with_name("again"))


def test_a_result_that_is_not_the_phases_gets_no_score(worker, written, tmp_path):
    _, output = worker("app").step(
        "ingestion",
        input_data=written / "public/input_data",
        ingested_program=written / "solutions" / SAMPLES[1],
    )
    reference = written / "public/reference_data"
    other = shutil.copytree(reference, tmp_path / "other")
    setup = json.loads((other / SETUP).read_text())
    (other / SETUP).write_text(json.dumps({**setup, "n_models": 3}))
    cases = [(spoil, reference) for spoil in (_change, _remove, _double)]

    for n, (spoil, phase) in enumerate([*cases, (lambda _: None, other)]):
        received = shutil.copytree(output, tmp_path / f"received-{n}")
        (stored,) = received.rglob(RESULT)
        spoil(stored)
        again = worker(f"app-{n}")
        ended, rated = again.step("scoring", input__ref=phase, input__res=received)

        assert ended.code == 4, ended
        assert not (rated / "scores.json").exists()


def test_without_isolation_nothing_is_run_unless_the_organizer_said_so(
    worker, written, tmp_path, monkeypatch
):
    data = written / "public/input_data"
    setup = json.loads((data / SETUP).read_text())
    (data / SETUP).write_text(json.dumps({**setup, "isolation": "auto"}))
    weakest = Sandbox(Level.NONE)
    monkeypatch.setattr("harness.competition.setup.choose", lambda wanted: weakest)

    ended, _ = worker("app").submit(written / "solutions" / SAMPLES[0])

    assert ended.code == 2
    assert "this container offers no isolation" in ended.err
