"""Folders of PNG files made from CIFAR-10, and tracks of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.tasks.registry import find_task
from harness.track import find_track

CLASSES = {"bird": 2, "cat": 3, "ship": 8}
TRACK = """\
name = "mine"
description = "three classes of pictures"
device = "cpu"
network = "{network}"

[data]
dataset = "image-folder"
{folder}
train_size = 60
forget_size = 12
validation_size = 9
test_size = 12
split_seed = 1

[data.options]
image_size = {image_size}
n_classes = 3

[recipe]
epochs = 2
batch_size = 16
learning_rate = 0.01
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 0.0
augmentation = "none"
optimizer = "adam"

[evaluation]
n_models = 2
bank_size = 2
cap = 1.0
delta = 1e-5
"""


@pytest.fixture
def pictures(cifar10, tmp_path) -> Callable[..., Path]:
    """Writes so many pictures of each class into folders below one."""

    def make(below: str = "pictures", each: int = 30, skip: int = 0) -> Path:
        for name, label in CLASSES.items():
            folder = tmp_path / below / name
            folder.mkdir(parents=True)
            members = np.flatnonzero(cifar10.train_targets == label)
            for i in members[skip : skip + each]:
                picture = Image.fromarray(cifar10.train_images[i])
                picture.save(folder / f"{i:05d}.png")
        return tmp_path / below

    return make


@pytest.fixture
def in_parts(pictures) -> Path:
    """Folders ``train`` and ``test`` of the three classes."""
    pictures("parted/train", each=20)
    return pictures("parted/test", each=8, skip=20).parent


@pytest.fixture
def folder_track(tmp_path) -> Callable[..., Path]:
    """Writes a track of a folder, beside it; returns its file."""

    def make(
        folder: str = "pictures",
        *,
        file: str = "mine.toml",
        network: str = "small-cnn",
        image_size: object = 32,
        change: tuple[str, str] = ("", ""),
    ) -> Path:
        line = f'folder = "{folder}"' if folder else ""
        text = TRACK.format(network=network, folder=line, image_size=image_size)
        assert change[0] in text
        (tmp_path / file).write_text(text.replace(*change) if change[0] else text)
        return tmp_path / file

    return make


@pytest.fixture
def folder_task(folder_track):
    return lambda *args, **options: find_task(
        find_track(str(folder_track(*args, **options)))
    )
