"""What a run is given comes back as it was written, and the test set is not in it."""

import numpy as np
from safetensors.numpy import load_file

from harness.run.inputs import read_task


def test_a_task_comes_back_as_it_was_written(task_folder, track, split, bank):
    task = read_task(task_folder)

    assert (task.network, task.recipe) == (track.network, track.recipe)
    assert task.device == "cpu"
    for name in ("retain", "forget", "validation"):
        ours, theirs = getattr(task, name), getattr(split, name)
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.targets, theirs.targets)
    assert set(task.original) == set(bank.original_weights)


def test_the_folder_of_a_task_holds_three_sets_and_no_other(task_folder, split):
    arrays = load_file(task_folder / "sets.safetensors")

    assert {name.partition("_")[0] for name in arrays} == {
        "retain",
        "forget",
        "validation",
    }
    files = sorted(path.name for path in task_folder.iterdir())
    assert files == ["original.safetensors", "sets.safetensors", "task.json"]
    secret = split.test.images[0].tobytes()
    assert not any(secret in p.read_bytes() for p in task_folder.iterdir())
