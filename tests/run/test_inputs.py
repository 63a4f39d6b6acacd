"""What a run is given comes back as it was written, and no secret is in it."""

import json

import numpy as np
from safetensors.numpy import load_file

from harness.run.inputs import RUN_SETS, read_inputs, sets_named, write_inputs
from harness.tasks.registry import find_task
from harness.track import find_track


def test_inputs_come_back_as_they_were_written(inputs_folder, task, split, bank):
    inputs = read_inputs(inputs_folder)

    track = inputs.task.track
    assert (track.network, track.recipe) == (task.track.network, task.track.recipe)
    assert type(inputs.task) is type(task)
    assert inputs.device == "cpu"
    assert tuple(sorted(inputs.sets)) == ("forget", "retain", "validation")
    for name, ours in inputs.sets.items():
        theirs = getattr(split, name)
        assert np.array_equal(ours.inputs, theirs.inputs)
        assert np.array_equal(ours.targets, theirs.targets)
    for ours, theirs in zip(inputs.originals, bank.original_weights, strict=True):
        assert set(ours) == set(theirs)
        for name, array in theirs.items():
            assert np.array_equal(ours[name], array)


def test_the_folder_of_a_runs_inputs_holds_three_sets_and_no_other(
    inputs_folder, split
):
    arrays = load_file(inputs_folder / "sets.safetensors")

    assert {name.partition("_")[0] for name in arrays} == {
        "retain",
        "forget",
        "validation",
    }
    files = sorted(path.name for path in inputs_folder.iterdir())
    assert files == ["inputs.json", "originals.safetensors", "sets.safetensors"]
    secret = split.test.inputs[0].tobytes()
    assert not any(secret in p.read_bytes() for p in inputs_folder.iterdir())


def test_the_split_seed_is_not_in_a_runs_inputs(track_file, split, bank, tmp_path):
    private = find_task(find_track(str(track_file), split_seed=471_147))
    sets = sets_named(split, RUN_SETS)
    write_inputs(tmp_path, private, "cpu", bank.original_weights, sets)

    content = json.loads((tmp_path / "inputs.json").read_text())
    assert content["track"]["data"]["split_seed"] == 0
    assert not any(b"471147" in path.read_bytes() for path in tmp_path.iterdir())
    assert read_inputs(tmp_path).task.track.data.split_seed == 0


def test_the_place_of_the_data_is_not_in_a_runs_inputs(variant, split, bank, tmp_path):
    track = find_track(str(variant(split_seed='1\nfolder = "my-secret-images"')))
    sets = sets_named(split, RUN_SETS)
    write_inputs(tmp_path / "in", find_task(track), "cpu", bank.original_weights, sets)

    assert "my-secret-images" not in (tmp_path / "in" / "inputs.json").read_text()
