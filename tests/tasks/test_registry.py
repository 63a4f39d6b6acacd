"""Tasks by name: those that ship, and those of installed packages."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from harness.errors import UsageError
from harness.tasks.cifar10.task import Cifar10Task
from harness.tasks.registry import find_task, task_names

PACKAGE = """
from harness.tasks.cifar10.task import Cifar10Task

class OwnTask(Cifar10Task):
    pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package that offers a task."""

    def make(source: str, name: str) -> None:
        site = tmp_path / "site"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[unlearn_eval.tasks]\nown-pictures = {name}:OwnTask\n"
        )
        (site / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(site)

    return make


@pytest.fixture
def of(track):
    """Finds the task of the tiny track with another data set."""
    return lambda name: find_task(
        replace(track, data=replace(track.data, dataset=name))
    )


def test_four_tasks_are_shipped(of):
    assert task_names() == ["austen", "cifar10", "image-folder", "text-folder"]
    assert type(of("cifar10")) is Cifar10Task


def test_an_unknown_task_is_refused_with_the_nearest(of):
    with pytest.raises(UsageError) as caught:
        of("cifar100")

    assert str(caught.value) == (
        "data.dataset = 'cifar100' is unknown: did you mean 'cifar10'? Known: "
        "austen, cifar10, image-folder, text-folder; a package adds its own by an "
        "entry point of the group unlearn_eval.tasks."
    )


def test_an_installed_package_adds_a_task(of, install, tmp_path):
    install(PACKAGE, "pictures_of_mine")

    task = of("own-pictures")

    assert type(task).__module__ == "pictures_of_mine"
    assert "own-pictures" in task_names()
    assert task.imported() == ((tmp_path / "site" / "pictures_of_mine.py").resolve(),)
    with pytest.raises(UsageError, match="did you mean 'own-pictures'"):
        of("own-picture")


def test_a_task_is_not_asked_for_a_forget_set_that_it_does_not_know(track, install):
    install(PACKAGE.replace("pass", 'forget_kinds = ("random",)'), "random_ones")
    data = replace(track.data, dataset="own-pictures", forget="class:3")

    with pytest.raises(UsageError) as caught:
        find_task(replace(track, data=replace(data, forget_size=40)))

    assert str(caught.value) == (
        "the kind of data.forget = 'class' is not legal: it must be random, all that "
        "the task own-pictures offers."
    )


def test_a_package_that_cannot_be_imported_is_named(of, install):
    install("raise OSError('half installed')", "broken_pictures")

    with pytest.raises(UsageError) as caught:
        of("own-pictures")

    assert str(caught.value) == (
        "the task 'own-pictures' of broken_pictures:OwnTask cannot be imported (half "
        "installed); install its package again."
    )


def test_a_picture_of_the_forget_set_is_shown_with_the_name_of_its_class(task, split):
    shown = task.show(0)

    with Image.open(io.BytesIO(shown.png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 32))
        assert np.array_equal(np.asarray(picture), split.forget.inputs[0])
    assert shown.caption == task.classes[split.forget.targets[0]]
    assert task.show(49).png != shown.png


def test_a_task_needs_no_data_to_be_made(of, tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_EVAL_CACHE", str(tmp_path / "none"))

    task = of("cifar10")

    assert task.data_hash.startswith("192d7d58")
    assert task.network(seed=0).fc.out_features == 10
    assert not (tmp_path / "none").exists()
