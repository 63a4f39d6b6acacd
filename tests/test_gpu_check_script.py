"""The script that tries what needs a GPU runs on a CPU, so that it cannot rot."""

import json
import time

import pytest
import torch

from harness.tasks.registry import find_task
from harness.track import find_track
from scripts import gpu_check, gpu_trials
from scripts.random_images import random_track


@pytest.fixture(autouse=True)
def _threads_as_before():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_it_tries_everything_and_writes_what_it_found(
    track_file, bank, executor, tmp_path, capsys
):
    path = tmp_path / "found.json"
    words = (
        f"--track {track_file} --device cpu -n 4 -j 1 --isolation none "
        f"--minutes 60 --json {path}"
    )
    code = gpu_check.main(words.split())

    found = {row["what"]: row for row in json.loads(path.read_text())["rows"]}
    assert [row["error"] for row in found.values()] == [""] * 6
    assert code == 0
    for name in ("engine, as a graph", "engine, step by step"):
        assert found[name]["found"]["same_seed_same_bits"]
    assert found["graph against steps"]["found"]["same_bits"]
    assert found["one seed twice"]["found"] == {
        "seconds": found["one seed twice"]["found"]["seconds"],
        "runs": 4,
        "same_bits": 4,
    }
    scored = found["score, -j 1"]["found"]
    for name in gpu_trials.SUBMISSIONS:
        # Whatever so tiny a track makes of the cap.
        assert scored[name]["status"] in ("scored", "over-budget"), scored[name]
        assert 0 < scored[name]["test_accuracy"] < 1
    assert scored["isolation"] == "none"
    assert "engine, step by step: done" in capsys.readouterr().out


def attempt(work, seconds=60.0):
    return gpu_check.attempt(time.monotonic() + seconds, "engine", work)


def test_an_error_ends_one_of_them_alone():
    def fail():
        raise RuntimeError("CUDA error: no kernel image")

    row = attempt(fail)

    assert "no kernel image" in row.error
    assert gpu_check.table([row]).startswith("engine: FAILED")
    failed = attempt(lambda: {"ratio": 1.0, "error": "finetune: harness-error"})
    assert (failed.found["ratio"], failed.error) == (1.0, "finetune: harness-error")


def test_what_hangs_is_stopped_and_what_has_no_time_is_not_begun(monkeypatch):
    monkeypatch.setattr(gpu_check, "LEAST_SECONDS", 0.1)
    begun = []

    assert "no time was left" in attempt(lambda: begun.append(1) or {}, 0.1).error
    assert begun == []
    start = time.monotonic()
    assert "more than 0 s" in attempt(lambda: time.sleep(60), 0.4).error
    assert time.monotonic() - start < 30


def test_what_was_found_is_written_after_each_part(monkeypatch, tmp_path, track_file):
    path = tmp_path / "found.json"

    def rows(options):
        yield gpu_check.Row("engine", {"seconds": 1.0})
        raise KeyboardInterrupt

    monkeypatch.setattr(gpu_check, "rows", rows)
    with pytest.raises(KeyboardInterrupt):
        gpu_check.main(f"--track {track_file} --device cpu --json {path}".split())

    assert [row["what"] for row in json.loads(path.read_text())["rows"]] == ["engine"]


def test_random_images_make_a_track_like_the_fast_one(tmp_path):
    track, fast = random_track(tmp_path, 600), find_track("cifar10-fast")
    sets = find_task(track).sets()

    assert sets.training.inputs.shape == (600, 32, 32, 3)
    assert len(sets.test.targets) == 30
    assert track.network == fast.network
    assert track.recipe.epochs == fast.recipe.epochs
