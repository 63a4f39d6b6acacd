"""Anybody's pictures: a folder a class, a TOML file, and no code."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from harness.errors import UsageError
from harness.reference import find_bank
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.run.inputs import RUN_SETS, read_inputs, sets_named, write_inputs
from harness.tasks.registry import find_task
from harness.track import find_track

SIZES = {"forget": 12, "retain": 48, "validation": 9, "test": 12}


def assert_sound(sets):
    """The sizes of the track, balanced in D and S, and no picture twice."""
    assert {name: len(e.targets) for name, e in sets._asdict().items()} == SIZES
    for name in ("forget", "retain"):
        counts = np.bincount(getattr(sets, name).targets, minlength=3)
        assert counts.tolist() == 3 * [SIZES[name] // 3]
    rows = [e.inputs.reshape(len(e.inputs), -1) for e in sets]
    assert len(np.unique(np.concatenate(rows), axis=0)) == sum(SIZES.values())


def test_one_pool_of_classes_is_parted_by_the_harness(pictures, folder_task):
    pictures()
    sets = folder_task().sets()

    assert sets.forget.inputs.shape == (12, 32, 32, 3)
    assert sets.forget.inputs.dtype == np.uint8
    assert_sound(sets)


def test_folders_train_and_test_are_kept_apart(in_parts, folder_task, cifar10):
    sets = folder_task("parted").sets()

    assert_sound(sets)
    held_out = {path.stem for path in in_parts.glob("test/*/*.png")}
    for examples in (sets.validation, sets.test):
        for image in examples.inputs:
            same = (cifar10.train_images == image).all(axis=(1, 2, 3))
            assert f"{np.flatnonzero(same)[0]:05d}" in held_out


def test_another_split_forgets_other_pictures(pictures, folder_track):
    pictures()
    path = str(folder_track())
    ours, theirs = (find_task(find_track(path, split_seed=s)).sets() for s in (1, 2))

    assert not np.array_equal(ours.forget.inputs, theirs.forget.inputs)
    assert_sound(theirs)


def test_pictures_are_scaled_and_cut_to_the_size_of_the_track(pictures, folder_task):
    folder = pictures()
    for path in folder.rglob("*.png"):
        with Image.open(path) as picture:
            tall = picture.convert("L").resize((40, 90))
        tall.save(path)

    sets = folder_task(image_size=16).sets()

    assert sets.test.inputs.shape == (12, 16, 16, 3)
    assert np.array_equal(sets.test.inputs[..., 0], sets.test.inputs[..., 2])


def test_the_data_hash_is_that_of_the_files_wherever_they_lie(
    pictures, folder_task, tmp_path
):
    before = folder_task(file="a.toml").data_hash if pictures() else ""
    (tmp_path / "pictures").rename(tmp_path / "moved")
    assert folder_task("moved", file="b.toml").data_hash == before

    path = next((tmp_path / "moved" / "cat").iterdir())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert folder_task("moved", file="c.toml").data_hash != before


def test_the_data_hash_tells_train_from_test(in_parts, folder_task):
    before = folder_task("parted").data_hash
    last = max((in_parts / "train" / "ship").iterdir())
    shutil.rmtree(in_parts / "test")
    for name in ("bird", "cat", "ship"):
        (in_parts / "test" / name).mkdir(parents=True)
        shutil.copy(last, in_parts / "test" / name / "0.png")

    assert folder_task("parted").data_hash != before


def test_a_picture_is_shown_as_a_png_with_the_name_of_its_class(pictures, folder_task):
    pictures()
    task = folder_task(image_size=20)

    shown = task.show(0)

    with Image.open(io.BytesIO(shown.png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (20, 20))
        assert np.array_equal(np.asarray(picture), task.sets().forget.inputs[0])
    assert shown.caption == ("bird", "cat", "ship")[task.sets().forget.targets[0]]


def test_a_run_needs_the_track_alone_and_not_the_folder(
    pictures, folder_task, tmp_path
):
    folder = pictures()
    task = folder_task()
    sets = task.sets()
    weights = {n: t.numpy() for n, t in task.network(seed=0).state_dict().items()}
    write_inputs(tmp_path / "in", task, "cpu", [weights], sets_named(sets, RUN_SETS))
    shutil.rmtree(folder)

    inputs = read_inputs(tmp_path / "in")

    assert inputs.task.network(seed=0).fc.out_features == 3
    assert inputs.task.tensors(inputs.sets["retain"])[0].shape == (48, 3, 32, 32)


def refused(make) -> str:
    with pytest.raises(UsageError) as caught:
        make().sets()
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


def test_a_missing_folder_is_refused(folder_task, tmp_path):
    message = refused(folder_task)

    assert message.startswith(f"{tmp_path / 'pictures'} is no folder of images (")
    assert message.endswith(
        "; it needs one folder for each class, or folders train and test that have "
        "them."
    )


def test_a_class_without_a_picture_is_refused(pictures, folder_task):
    (pictures() / "zebra").mkdir()

    assert "Found no valid file for the classes zebra" in refused(folder_task)


def test_a_track_without_a_folder_is_refused(folder_task):
    assert refused(lambda: folder_task("")) == (
        "the track mine does not say where its images lie; give the folder with "
        "--data-dir, or as folder under [data]."
    )


def test_the_folder_may_be_given_besides_the_track(pictures, folder_track):
    folder = pictures()

    assert_sound(find_task(find_track(str(folder_track(""))), folder).sets())


def test_another_number_of_classes_is_refused(pictures, folder_task, tmp_path):
    shutil.copytree(pictures() / "cat", tmp_path / "pictures" / "dog")

    assert refused(folder_task) == (
        f"{tmp_path / 'pictures'} holds 4 folders of classes, and the track says "
        "data.options.n_classes = 3."
    )


def test_parts_of_different_classes_are_refused(in_parts, folder_task):
    (in_parts / "test" / "cat").rename(in_parts / "test" / "dog")

    assert refused(lambda: folder_task("parted")) == (
        f"{in_parts / 'train'} and {in_parts / 'test'} hold different classes."
    )


@pytest.mark.parametrize("content", [b"", b"no picture", "cut"])
def test_a_picture_that_cannot_be_read_is_named(pictures, folder_task, content):
    path = min((pictures() / "ship").iterdir())
    path.write_bytes(path.read_bytes()[:300] if content == "cut" else content)

    message = refused(folder_task)

    assert message.startswith(f"{path} ")
    assert "BytesIO" not in message


@pytest.mark.skipif(os.geteuid() == 0, reason="no file is closed to root")
def test_a_picture_without_permission_is_named(pictures, folder_task):
    path = min((pictures() / "ship").iterdir())
    path.chmod(0)

    assert refused(folder_task) == f"cannot read {path}: Permission denied."


def test_too_few_pictures_are_refused_with_how_many_there_are(pictures, folder_task):
    pictures(each=26)

    assert refused(folder_task) == (
        "data.train_size + validation_size + test_size = 81 is not legal: it must be "
        "at most the 78 images of the folder."
    )


def test_too_few_pictures_of_a_class_are_refused(in_parts, folder_task):
    min((in_parts / "train" / "cat").iterdir()).unlink()

    assert refused(lambda: folder_task("parted")) == (
        "data.train_size = 60 is not legal: it must be at most 57, for a class has 19 "
        "examples."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("image_size = 32", "imagesize = 32"),
            "unknown key 'data.options.imagesize': did you mean 'image_size'?",
        ),
        (("image_size = 32\n", ""), "missing key data.options.image_size."),
        (
            ("image_size = 32", 'image_size = "32"'),
            "data.options.image_size = '32' must be a whole number.",
        ),
        (
            ("image_size = 32", "image_size = 4"),
            "data.options.image_size = 4 is not legal: it must be from 8 to 512.",
        ),
        (
            ("n_classes = 3", "n_classes = 1"),
            "data.options.n_classes = 1 is not legal: it must be at least 2.",
        ),
        (
            ("train_size = 60", "train_size = 61"),
            "data.train_size = 61 is not legal: it must be a multiple of 3, the number "
            "of classes.",
        ),
    ],
)
def test_what_the_task_does_not_take_is_refused(folder_task, change, message):
    assert refused(lambda: folder_task(change=change)) == message


def test_a_bank_of_such_a_track_is_built_and_found(pictures, folder_track, own_cache):
    pictures()
    track = find_track(str(folder_track()))
    plan = BuildPlan(track=track, n_models=2, jobs=2)

    bank = build_bank(plan, lambda done: None)

    assert bank.retrained.forget_confidence.shape == (2, 12)
    assert bank.retrained.test_confidence.shape == (2, 12)
    assert bank.original_weights[0]["fc.bias"].shape == (3,)
    found = find_bank(find_task(track))
    assert found.folder == bank.folder
    assert np.isfinite(found.retrained.forget_confidence).all()
