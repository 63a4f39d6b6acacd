"""An existing folder ``cifar-10-batches-py``."""

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.tasks.cifar10.folder_source import FolderSource, find_batches_folder
from harness.tasks.cifar10.source import SourceError


def test_the_folder_itself_or_its_parent_may_be_named(tmp_path, batches, write_folder):
    folder = write_folder(tmp_path, batches)
    assert find_batches_folder(folder) == folder
    assert find_batches_folder(tmp_path) == folder


def test_a_renamed_folder_may_be_named(tmp_path, batches, write_folder):
    renamed = write_folder(tmp_path, batches).rename(tmp_path / "mine")
    assert find_batches_folder(renamed) == renamed


def test_a_home_folder_may_be_abbreviated(tmp_path, batches, write_folder, monkeypatch):
    folder = write_folder(tmp_path, batches)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_batches_folder(Path("~")) == folder


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_another_place_is_a_usage_error_with_its_remedy(tmp_path, kind):
    place = tmp_path / "cfiar"
    if kind == "empty":
        place.mkdir()
    if kind == "file":
        place.write_text("cifar-10-python.tar.gz")
    with pytest.raises(UsageError) as caught:
        find_batches_folder(place)
    assert str(caught.value) == (
        f"No cifar-10-batches-py at {place}: give --data-dir (or UNLEARN_EVAL_DATA) "
        "the unpacked folder cifar-10-batches-py or its parent, or leave it out to "
        "download CIFAR-10."
    )


@pytest.fixture
def source(edition):
    return lambda folder: FolderSource(folder, edition)


def test_the_six_batches_come_in_order(
    tmp_path, batches, write_folder, source, recorded
):
    read = list(source(write_folder(tmp_path, batches)).batches(tmp_path, recorded))
    for given, found in zip(batches, read, strict=True):
        assert np.array_equal(given.labels, found.labels)
        assert np.array_equal(given.planes, found.planes)


def test_a_batch_that_is_missing_is_named(
    tmp_path, batches, write_folder, source, recorded
):
    folder = write_folder(tmp_path, batches)
    (folder / "data_batch_4").unlink()
    with pytest.raises(SourceError, match="data_batch_4 cannot be read"):
        list(source(folder).batches(tmp_path, recorded))


def test_a_batch_in_anothers_place_is_named(
    tmp_path, batches, write_folder, source, recorded
):
    folder = write_folder(tmp_path, batches)
    (folder / "data_batch_4").replace(folder / "data_batch_3")
    with pytest.raises(SourceError, match=r"^data_batch_3 has MD5 \w+, not the"):
        list(source(folder).batches(tmp_path, recorded))
