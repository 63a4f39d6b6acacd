"""What a worker of a cluster says before it takes part, and why it does not."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.execution import remote
from harness.sandbox import Level, Sandbox


@pytest.fixture
def known(track, task):
    """What a command asks for that has the data and the engine of here."""
    hashes = {"data_hash": task.data_hash, "engine_version": task.engine_version}
    return {"track": track, "data_dir": None, **hashes}


@pytest.mark.parametrize("name", remote.versions())
def test_where_the_code_is_another_the_work_is_not_even_unpacked(name):
    ours = remote.versions()

    joined = remote.join({**ours, name: "another"}, "key", b"no pickle", 1)

    assert joined.refused == f"its {name} is {ours[name]}, and another is needed"


def test_other_data_or_another_engine_is_refused(known, task):
    def said(**changes) -> str:
        return remote.Training(**(known | changes), seed=0).prepare(1)

    assert said() == ""
    assert said(data_hash="b") == f"its data is {task.data_hash}, and b is needed"
    assert said(engine_version="b") == (
        f"its engine is {task.engine_version}, and b is needed"
    )


def test_a_machine_without_such_a_gpu_is_refused(known, track, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-ab")
    known["track"] = replace(track, device="cuda:1")

    assert remote.Training(**known, seed=0).prepare(1) == "it has no cuda:1"


def test_less_isolation_than_was_agreed_on_is_refused(known, monkeypatch):
    bare = Sandbox(Level.NONE)
    monkeypatch.setattr(remote, "choose", lambda level: bare)
    agreed = SimpleNamespace(level=Level.NONE, not_enforced=bare.not_enforced[1:])
    work = remote.Running(**known, originals=[], isolation=agreed)

    missing = bare.not_enforced[0]
    assert work.prepare(1) == f"its isolation does not enforce: {missing}"
