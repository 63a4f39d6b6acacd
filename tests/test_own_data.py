"""Somebody's own pictures and network, from files to a card, by commands alone."""

import json

import numpy as np
import pytest
from PIL import Image

from harness.sandbox import choose
from harness.storage.shipped import own_submissions

SUBMISSIONS = own_submissions()
CLASSES = {"bird": 2, "frog": 6, "ship": 8}
SIDE = 16
TRACK = """\
name = "mine"
description = "three classes of pictures"
device = "cpu"
network = "{network}"

[data]
dataset = "image-folder"
folder = "pictures"
train_size = 150
forget_size = 30
validation_size = 21
test_size = 30
split_seed = 1

[data.options]
image_size = 16
n_classes = 3

[recipe]
epochs = 4
batch_size = 16
learning_rate = 0.01
warmup_fraction = 0.2
momentum = 0.9
weight_decay = 0.0
augmentation = "none"
optimizer = "adam"
label_smoothing = 0.1

[evaluation]
n_models = 4
bank_size = 8
cap = 1.0
delta = 1e-5
"""
#: A class of its own, in a package whose modules import each other.
PACKAGE = {
    "__init__.py": "",
    "parts.py": """\
from torch import nn


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)

    def forward(self, inputs):
        return self.conv(inputs).relu().mean((2, 3))
""",
    "nets.py": """\
from torch import nn

from my_package.parts import Body


def build(n_classes):
    return nn.Sequential(Body(), nn.Linear(8, n_classes))
""",
}


@pytest.fixture
def track_file(cifar10, own_cache, tmp_path):
    """Writes a track of a folder of pictures, beside both of them."""
    for name, label in CLASSES.items():
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in np.flatnonzero(cifar10.train_targets == label)[:80]:
            picture = Image.fromarray(cifar10.train_images[i]).resize((SIDE, SIDE))
            picture.save(tmp_path / "pictures" / name / f"{i}.png")

    def write(network):
        path = tmp_path / "mine.toml"
        path.write_text(TRACK.format(network=network))
        return path

    return write


@pytest.fixture
def scored(cli, tmp_path):
    """Builds a track's bank and scores submissions on it; returns card and results."""

    def score(track, *names, isolation):
        ended = cli("reference", "build", "--track", track, "-j", 2)
        assert ended.code == 0, ended.err
        assert "8 retrained models" in ended.out
        paths = [SUBMISSIONS / f"{name}.py" for name in names]
        where = ("--track", track, "-j", 1, "-o", tmp_path / "runs")
        ended = cli("score", *paths, *where, "--isolation", isolation)
        assert ended.code == 0, ended.err + ended.out
        results = {}
        for name in names:
            (path,) = (tmp_path / "runs" / "mine" / name).glob("*/result.json")
            results[name] = json.loads(path.read_text())
            assert results[name]["n_finished"] == 4
            level = results[name]["provenance"]["isolation"]["level"]
            assert level == choose(isolation).level
        return ended.out, results

    return score


def test_a_folder_of_pictures_is_built_and_scored_by_commands(track_file, scored):
    names = ("finetune", "retrain")
    card, results = scored(track_file("small-cnn"), *names, isolation="none")

    found = results["finetune"]
    assert found["status"] == "scored"
    assert 0 <= found["score"]["value"] <= 1
    assert 0 < found["score"]["ceiling"] <= 1
    for words in ("Fine-tuning", "Retrain (oracle)", f"{found['score']['value']:.4f}"):
        assert words in card
    oracle = results["retrain"]
    assert oracle["reference"]
    # It trains by the recipe that the bank was trained by: Adam with smoothed labels.
    accuracy = oracle["retain_accuracy"]
    assert accuracy["value"] == pytest.approx(accuracy["ceiling"], abs=0.1)


def test_a_network_of_a_package_beside_the_track_is_built_and_scored_by_commands(
    track_file, cli, scored, tmp_path
):
    (tmp_path / "my_package").mkdir()
    for name, source in PACKAGE.items():
        (tmp_path / "my_package" / name).write_text(source)
    track = track_file("my_package.nets:build")

    # In the sandbox, where the package must be shown.
    card, results = scored(track, "finetune", isolation="auto")
    words = ("validate", SUBMISSIONS / "finetune.py", "--track", track)
    ended = cli(*words, "--isolation", "none")

    assert results["finetune"]["status"] == "scored"
    assert 0 <= results["finetune"]["score"]["value"] <= 1
    assert "Fine-tuning" in card
    assert (ended.code, ended.out.splitlines()[0]) == (0, "finetune: valid")
