"""Pickles from outside are read, never run."""

import io
import os
import pickle
import warnings

import numpy as np
import pytest

from harness.tasks.cifar10 import pickled_batch
from harness.tasks.cifar10.pickled_batch import read_pickled_batch
from harness.tasks.cifar10.source import SourceError


@pytest.fixture
def refused(tmp_path):
    """Reads bytes as a batch and returns why that was refused."""

    def read(content: bytes) -> str:
        path = tmp_path / "data_batch_1"
        path.write_bytes(content)
        with pytest.raises(SourceError) as caught:
            read_pickled_batch(path)
        return str(caught.value)

    return read


class _Runs:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def test_a_python_2_pickle_gives_its_labels_and_pixels(tmp_path, batches, pickled):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickled(batches[0]))
    batch = read_pickled_batch(path)
    assert np.array_equal(batch.labels, batches[0].labels)
    assert np.array_equal(batch.planes, batches[0].planes)


def test_the_pickles_of_these_tests_are_what_numpy_reads(batches, pickled):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy dislikes the age of these pickles
        loaded = pickle.loads(pickled(batches[0]), encoding="bytes")
    assert np.array_equal(loaded[b"data"], batches[0].planes)
    assert loaded[b"labels"] == batches[0].labels.tolist()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_a_function_is_refused_unrun(tmp_path, refused, protocol):
    proof = tmp_path / "it-ran"
    reason = refused(pickle.dumps([_Runs(os.mkdir, str(proof))], protocol))
    assert "data_batch_1 asks for posix.mkdir, which no batch needs" in reason
    assert not proof.exists()


@pytest.mark.parametrize(
    "name", ["builtins\neval", "numpy\nload", "numpy.core.multiarray\nfromfile"]
)
@pytest.mark.parametrize("opcode", [b"c%s\n.", b"(i%s\n."], ids=["GLOBAL", "INST"])
def test_only_the_names_that_a_batch_needs_are_known(refused, name, opcode):
    reason = refused(opcode % name.encode())
    assert f"asks for {name.replace(chr(10), '.')}, which" in reason


def test_a_pickle_cut_off_anywhere_is_refused(refused, batches, pickled):
    content = pickled(batches[0])
    for length in range(0, len(content), 997):
        assert "no pickled CIFAR-10 batch" in refused(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"<html>not found</html>",
        pickle.dumps([1, 2]),
        pickle.dumps({b"labels": [1]}),
        pickle.dumps({b"labels": [300], b"data": b""}),
        pickle.dumps({b"labels": None, b"data": b""}),
    ],
)
def test_what_is_no_batch_is_refused_as_such(refused, content):
    assert refused(content) == "data_batch_1 is no pickled CIFAR-10 batch"


def test_pixels_that_are_no_array_are_refused(refused):
    content = pickle.dumps({b"labels": [1], b"data": [0] * 3072})
    assert refused(content) == "data_batch_1 holds no array of pixels"


def test_more_labels_than_images_are_refused(refused, batches, pickled):
    content = pickled(batches[0]).replace(b"](", b"](K\x01", 1)
    assert "another number of pixels" in refused(content)


def test_a_file_far_too_large_is_not_read(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(pickled_batch, "LARGEST_FILE", 1_000_000)
    assert refused(bytes(1_000_001)) == "data_batch_1 is larger than 1 MB"


def test_a_missing_file_is_a_reason(tmp_path):
    with pytest.raises(
        SourceError, match=r"^data_batch_1 cannot be read \(No such file"
    ):
        read_pickled_batch(tmp_path / "data_batch_1")


def test_a_pickle_cannot_leave_anything_behind_in_this_module(refused):
    # BUILD with a tuple state sets attributes, here on what stands for an array.
    before = dict(vars(pickled_batch._Inert))
    state = io.BytesIO()
    pickle.Pickler(state, protocol=2).dump((None, {"__call__": 1}))
    refused(b"cnumpy\nndarray\n" + state.getvalue()[2:-1] + b"b.")
    assert dict(vars(pickled_batch._Inert)) == before
