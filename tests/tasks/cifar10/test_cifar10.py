"""What the rest of the harness calls."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.storage.cache import cache_root
from harness.tasks.cifar10 import load_cifar10
from harness.tasks.cifar10.binary import BATCH_NAMES, CIFAR10, Batch


def test_importing_the_data_room_does_not_import_torch():
    program = (
        "import sys, harness.tasks.cifar10; "
        "print({'torch', 'torchvision'} & {*sys.modules})"
    )
    told = subprocess.check_output([sys.executable, "-c", program])
    assert told == b"set()\n"


def test_the_cache_lies_where_its_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_EVAL_CACHE", str(tmp_path / "mine"))
    assert cache_root() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_the_variable_may_begin_with_a_tilde_or_be_relative(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNLEARN_EVAL_CACHE", "~/mine")
    assert cache_root() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNLEARN_EVAL_CACHE", "near")
    assert cache_root() == tmp_path / "near"


@pytest.mark.parametrize("value", [None, ""])
def test_without_its_variable_it_is_the_platforms_cache(monkeypatch, tmp_path, value):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if value is None:
        monkeypatch.delenv("UNLEARN_EVAL_CACHE", raising=False)
    else:
        monkeypatch.setenv("UNLEARN_EVAL_CACHE", value)
    assert cache_root() == tmp_path / "unlearn-eval"


def test_a_mistyped_folder_is_told_even_where_the_cache_has_the_data(cifar10, tmp_path):
    with pytest.raises(UsageError, match=r"^No cifar-10-batches-py at .*cfiar"):
        load_cifar10(tmp_path / "cfiar")


def test_a_mistyped_folder_in_the_environment_is_told_too(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_EVAL_DATA", str(tmp_path / "cfiar"))
    with pytest.raises(UsageError, match=r"^No cifar-10-batches-py at .*cfiar"):
        load_cifar10()


def _published(cifar10):
    """CIFAR-10 as its six batches."""
    images = np.concatenate([cifar10.train_images, cifar10.test_images])
    targets = np.concatenate([cifar10.train_targets, cifar10.test_targets])
    planes = images.transpose(0, 3, 1, 2).reshape(6, 10_000, 3072)
    labels = targets.astype(np.uint8).reshape(6, 10_000)
    return [Batch(*batch) for batch in zip(labels, planes, strict=True)]


def test_all_of_cifar10_comes_from_a_folder_the_same(
    cifar10, write_folder, monkeypatch, capfd
):
    # A folder of its own, gone afterwards: pytest would keep 370 MB for three runs.
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setenv("UNLEARN_EVAL_CACHE", str(Path(place, "cache")))
        data_dir = write_folder(Path(place), _published(cifar10))
        # The pickles of these tests lack the names of the image files.
        sums = tuple(
            hashlib.md5((data_dir / name).read_bytes()).hexdigest()
            for name in BATCH_NAMES
        )
        ours = replace(CIFAR10, pickle_sums=sums)
        monkeypatch.setattr("harness.tasks.cifar10.load.CIFAR10", ours)
        loaded = load_cifar10(data_dir, progress=True)
        for array, same in zip(loaded, cifar10, strict=True):
            assert np.array_equal(array, same)
        assert Path(loaded.train_images.filename).is_relative_to(place)
    assert capfd.readouterr() == ("", "")
