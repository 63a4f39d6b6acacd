"""The script that tries what needs a GPU runs on a CPU, so that it cannot rot."""

import json

import pytest
import torch

from scripts import gpu_check


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
        f"--track {track_file} --device cpu -n 4 -j 1 --isolation none --json {path}"
    )
    code = gpu_check.main(words.split())

    found = {row["what"]: row for row in json.loads(path.read_text())["rows"]}
    assert [row["error"] for row in found.values()] == [""] * 5
    assert code == 0
    assert found["engine, step by step"]["found"]["same_seed_same_bits"]
    assert found["one seed twice"]["found"] == {
        "seconds": found["one seed twice"]["found"]["seconds"],
        "runs": 4,
        "same_bits": 4,
    }
    scored = found["score, -j 1"]["found"]
    for name in gpu_check.SUBMISSIONS:
        # Whatever so tiny a track makes of the cap.
        assert scored[name]["status"] in ("scored", "over-budget"), scored[name]
        assert 0 < scored[name]["test_accuracy"] < 1
    assert scored["isolation"] == "none"
    assert "engine, step by step: done" in capsys.readouterr().out


def test_an_error_ends_one_of_them_alone():
    def fail():
        raise RuntimeError("CUDA error: no kernel image")

    row = gpu_check.attempt("engine", fail)

    assert "no kernel image" in row.error
    assert gpu_check.table([row]).startswith("engine: FAILED")


def test_random_images_make_a_track_that_can_be_trained_on(tmp_path, cache):
    track = gpu_check.random_track(tmp_path, 600)
    sets = gpu_check.find_task(track).sets()

    assert sets.training.inputs.shape == (600, 32, 32, 3)
    assert len(sets.test.targets) == 30
