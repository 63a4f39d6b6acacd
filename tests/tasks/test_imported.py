"""Networks by import path: beside the track's file, or of an installed package."""

import sys
from itertools import count

import numpy as np
import pytest
import torch

from harness.errors import UsageError
from harness.reference import bank_key
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
from harness.tasks.registry import find_task
from harness.track import Track, find_track

NETWORK = """
from torch import nn

def build(n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, n_classes))
"""
_numbers = count()


@pytest.fixture
def name() -> str:
    """A module of a name that no other test has imported."""
    return f"nets_{next(_numbers)}"


@pytest.fixture
def written(tmp_path, name):
    """Writes a module beside the track; returns the path of its function."""

    def write(source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        return f"{name}:build"

    return write


@pytest.fixture
def track_of(variant):
    """The tiny track with another network."""

    def make(network: str) -> Track:
        path = variant()
        text = path.read_text().replace('name = "small-cnn"', f'name = "{network}"')
        path.write_text(text)
        return find_track(str(path))

    return make


@pytest.fixture
def task_of(track_of, cache):
    return lambda network: find_task(track_of(network))


@pytest.fixture(autouse=True)
def _path_as_before(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_module_beside_the_track_is_found_and_trained(
    tmp_path, track_of, own_cache, name
):
    (tmp_path / f"{name}.py").write_text(NETWORK)

    plan = BuildPlan(track=track_of(f"{name}:build"), n_models=2, jobs=2)
    bank = build_bank(plan, lambda done: None)

    assert set(bank.original_weights[0]) == {"1.weight", "1.bias"}
    assert bank.original.accuracy("retain")[0] > 0.2  # chance is 0.1
    assert plan.task.imported() == ((tmp_path / f"{name}.py").resolve(),)


def test_an_installed_package_is_found(tmp_path, task_of, name, monkeypatch):
    package = tmp_path / "site" / name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path / "site")

    task = task_of(f"{name}.nets:build")

    assert task.network(seed=0)[1].out_features == 10
    assert task.imported() == (package.resolve(),)


def test_a_function_without_n_classes_is_called_without(tmp_path, task_of, name):
    source = NETWORK.replace("(n_classes):", "():").replace("n_classes", "10")
    (tmp_path / f"{name}.py").write_text(source)

    assert task_of(f"{name}:build").network(seed=0)[1].out_features == 10


def test_its_weights_follow_the_seed(tmp_path, task_of, name):
    (tmp_path / f"{name}.py").write_text(NETWORK)
    task = task_of(f"{name}:build")

    first, again, other = (
        task.network(seed)[1].weight.detach().numpy() for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_module_beside_the_track_goes_before_a_namesake(
    tmp_path, task_of, name, monkeypatch
):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{name}.py").write_text("def build(): return 3")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / f"{name}.py").write_text(NETWORK)

    assert task_of(f"{name}:build").network(seed=0)[1].out_features == 10


def test_changed_code_is_another_bank_and_never_trained_as_the_old_one(
    tmp_path, task_of, task, name
):
    path = tmp_path / f"{name}.py"
    path.write_text(NETWORK)
    before = task_of(f"{name}:build")
    keys = {bank_key(task), bank_key(before)}
    before.network(seed=0)
    path.write_text(NETWORK + "# changed\n")
    after = task_of(f"{name}:build")

    assert bank_key(after) not in keys
    assert len(keys) == 2
    with pytest.raises(UsageError, match=r"is not the code that was imported .* again"):
        after.network(seed=0)


def test_code_is_looked_for_without_running_it(tmp_path, task_of, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit")

    task = task_of(f"{name}:build")

    assert task.engine_version.startswith("1-")
    assert name not in sys.modules


@pytest.mark.parametrize("path", ["gone:build", "gone.nets:build", "gone:", ":build"])
def test_a_module_that_is_not_there_is_refused(task_of, path):
    with pytest.raises(UsageError) as caught:
        task_of(path)

    module = path.partition(":")[0].partition(".")[0]
    assert str(caught.value) == (
        f"network.name = {path!r} cannot be imported: there is no module {module!r} "
        "beside the track's file or installed; write it as package.module:function."
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "raise ValueError('no such luck')",
            "cannot be imported: ValueError: no such luck.",
        ),
        ("def (", "cannot be imported: SyntaxError: "),
        ("x = 1", "cannot be imported: AttributeError: module "),
        ("build = 3", ":build is no function that builds a network."),
        (
            "def build(): raise OSError('no weights')",
            "builds no network: OSError: no weights.",
        ),
        (
            "def build(): return 3",
            "builds no network: TypeError: int is no torch.nn.Module.",
        ),
        ("def build(depth): pass", "builds no network: TypeError: build() missing"),
    ],
)
def test_code_that_builds_no_network_is_refused(task_of, written, source, words):
    task = task_of(written(source))

    with pytest.raises(UsageError) as caught:
        task.network(seed=0)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            NETWORK.replace("3072, n_classes", "3072, 11"),
            "outputs [2, 11] for 2 images; it must output [2, 10], a logit for each "
            "class.",
        ),
        (NETWORK.replace("3072, n_classes", "3072, 9"), "outputs [2, 9] for 2 images"),
        (
            NETWORK.replace("nn.Linear(3072, n_classes)", "nn.Identity()"),
            "outputs [2, 3072] for 2 images",
        ),
        (
            NETWORK.replace("3072", "3000"),
            "cannot take images of shape [3, 32, 32]: RuntimeError: ",
        ),
        (
            NETWORK.replace("nn.Flatten()", "nn.LSTM(32, 32)"),
            "cannot take images of shape [3, 32, 32]: ",
        ),
    ],
)
def test_a_network_for_other_images_or_classes_is_refused_before_it_is_trained(
    task_of, split, written, source, words
):
    task = task_of(written(source))

    with pytest.raises(UsageError) as caught:
        task.trainer(split.retain, torch.device("cpu"))

    assert words in str(caught.value)
