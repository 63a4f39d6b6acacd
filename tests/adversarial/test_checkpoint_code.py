"""Hide code in a checkpoint, where the one who opens it would run it."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from harness.run.messages import CheckpointRequest, Limit
from harness.status import Status


class Payload:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


class Nested:
    """Has torch unpickle more bytes, by the rules of before ``weights_only``."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.content,)


class Evaluated:
    """Runs a line of Python where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.line = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def __reduce__(self):
        return eval, (self.line,)


class Dressed(dict):
    """A dict that brings its own methods."""

    def __init__(self, mark: Path) -> None:
        super().__init__(payload=Payload(mark))


@pytest.fixture
def state(unconfined):
    original = unconfined.original
    return {name: torch.from_numpy(a.copy()) for name, a in original.items()}


@pytest.fixture
def read(lab):
    """Have bytes read as a scoring does."""

    def call(content: bytes):
        request = CheckpointRequest(lambda: content, 7, 4 << 30, Limit(wall_seconds=30))
        report = lab.worker.run(request)
        lab.reports.append(report)
        return report

    return call


WAYS = {
    "alone": (lambda saved, state, mark: saved(Payload(mark)), "posix.system"),
    "beside the weights": (
        lambda saved, state, mark: saved({"state_dict": state, "x": Payload(mark)}),
        "posix.system",
    ),
    "among the weights": (
        lambda saved, state, mark: saved({**state, "fc.bias": Payload(mark)}),
        "posix.system",
    ),
    "as a line": (lambda saved, state, mark: saved(Evaluated(mark)), "eval"),
    "in the old format": (
        lambda saved, state, mark: saved(
            {**state, "x": Payload(mark)}, _use_new_zipfile_serialization=False
        ),
        "posix.system",
    ),
    "in a nested pickle": (
        lambda saved, state, mark: saved({**state, "x": Nested(saved(Payload(mark)))}),
        "torch.storage._load_from_bytes",
    ),
    "in a dict of its own": (
        lambda saved, state, mark: saved(Dressed(mark)),
        "Dressed",
    ),
    "in a bare pickle": (
        lambda saved, state, mark: pickle.dumps(Payload(mark), 2),
        "posix.system",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_code_in_a_checkpoint_is_refused_by_name_and_never_run(
    read, state, saved, tmp_path, way
):
    make, name = WAYS[way]
    mark = tmp_path / "ran"
    content = make(saved, state, mark)

    report = read(content)

    assert report.weights is None
    assert report.failure.status is Status.INVALID
    assert not mark.exists()
    assert report.failure.reason.startswith("it holds pickled code (")
    assert f"{name}): only plain tensors are read" in report.failure.reason


@pytest.mark.parametrize("way", [way for way in WAYS if way != "in a bare pickle"])
def test_each_of_these_checkpoints_does_run_code_where_it_is_trusted(
    saved, tmp_path, way
):
    mark = tmp_path / "ran"
    content = WAYS[way][0](saved, {}, mark)

    torch.load(io.BytesIO(content), weights_only=False)

    assert mark.exists()


def test_bytes_that_are_a_pickle_are_not_looked_into(read, state, saved, tmp_path):
    inner = pickle.dumps(Payload(tmp_path / "ran"))

    report = read(saved({**state, "fc.bias": inner}))

    assert report.failure.reason == "fc.bias in it is no tensor but bytes."
    assert not (tmp_path / "ran").exists()


def test_a_second_pickle_in_the_file_is_not_looked_into(
    unconfined, state, saved, tmp_path
):
    """Without a sandbox, so that the code could leave its mark if it ran."""
    buffer, mark = io.BytesIO(saved(state)), tmp_path / "ran"
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("archive/constants.pkl", pickle.dumps(Payload(mark)))
        archive.writestr("archive/code/__torch__.py", "raise SystemExit\n")

    limit = Limit(wall_seconds=30.0)
    request = CheckpointRequest(buffer.getvalue, 7, 4 << 30, limit)
    report = unconfined.worker.run(request)

    assert not mark.exists()
    # It may be taken for TorchScript and refused, or read for its tensors alone.
    if report.failure is None:
        assert report.weights == unconfined.spec.pack(unconfined.original)
    else:
        assert report.failure.status is Status.INVALID


def test_a_name_of_code_cannot_dress_up_the_reason(read):
    bad = b"\x80\x02cposix\x1b[2J\nsystem\x07\n."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", bad)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")

    report = read(buffer.getvalue())

    assert report.failure.status is Status.INVALID
    assert report.failure.reason.isprintable()


def test_an_honest_checkpoint_gives_its_weights(lab, read, state, saved):
    report = read(saved(state))

    assert report.failure is None, report.failure
    assert report.weights == lab.spec.pack(lab.original)
