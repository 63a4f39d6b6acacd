"""The shipped novels, folders of texts made from them, and tracks of those."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.tasks.base import Examples
from harness.tasks.registry import find_task
from harness.tasks.text.task import TextTask
from harness.track import find_track

BOOKS = ("emma", "northangerabbey", "persuasion")
TRACK = """\
name = "mine"
description = "three short books"
device = "cpu"
network = "small-transformer"

[data]
dataset = "text-folder"
folder = "books"
train_size = 41
forget_size = 10
validation_size = 5
test_size = 8
split_seed = 1

[data.options]
forget_book = "northangerabbey"
passage = 9
vocabulary = 300

[recipe]
optimizer = "adamw"
epochs = 2
batch_size = 8
learning_rate = 4e-3
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 0.05
augmentation = "none"

[evaluation]
n_models = 2
bank_size = 2
cap = 1.0
delta = 1e-5
"""


@pytest.fixture(autouse=True)
def _one_thread():
    """Work as a run does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def austen() -> TextTask:
    task = find_task(find_track("austen-quick"))
    assert isinstance(task, TextTask)
    return task


@pytest.fixture(scope="session")
def some(austen) -> dict[str, Examples]:
    """A few passages of each set of the shipped track."""
    sets = austen.sets()._asdict()
    return {name: Examples(*(part[:24] for part in sets[name])) for name in sets}


@pytest.fixture
def network(austen) -> torch.nn.Module:
    return austen.network(seed=3).eval()


@pytest.fixture(scope="session")
def texts(austen) -> dict[str, str]:
    """The beginnings of three novels."""
    passages = austen.corpus.passages
    return {n: austen.corpus.text(np.concatenate(passages[n][:120])) for n in BOOKS}


@pytest.fixture
def books(texts, tmp_path) -> Path:
    """A folder of the three, one file a book."""
    folder = tmp_path / "books"
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder_task(tmp_path) -> Callable[..., TextTask]:
    """Makes the task of a track beside the books, something in it changed."""

    def make(old: str = "", new: str = "", split_seed: int | None = None) -> TextTask:
        assert old in TRACK
        file = tmp_path / "mine.toml"
        file.write_text(TRACK.replace(old, new) if old else TRACK)
        task = find_task(find_track(str(file), split_seed=split_seed))
        assert isinstance(task, TextTask)
        return task

    return make
