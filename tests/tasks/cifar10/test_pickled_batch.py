"""A pickle from outside is unpickled only when it is the published file."""

import hashlib
import os
import pickle

import numpy as np
import pytest

from harness.tasks.cifar10.folder_source import read_pickled_batch
from harness.tasks.cifar10.source import SourceError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data_batch_1"


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


class _Runs:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def test_a_python_2_pickle_gives_its_labels_and_pixels(path, batches, pickled):
    content = pickled(batches[0])
    path.write_bytes(content)

    batch = read_pickled_batch(path, md5(content))

    assert np.array_equal(batch.labels, batches[0].labels)
    assert np.array_equal(batch.planes, batches[0].planes)
    assert batch.sha1() == batches[0].sha1()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_a_function_is_refused_unrun(
    path, tmp_path, batches, pickled, protocol
):
    proof = tmp_path / "it-ran"
    content = pickle.dumps([_Runs(os.mkdir, str(proof))], protocol)
    path.write_bytes(content)

    with pytest.raises(SourceError) as caught:
        read_pickled_batch(path, md5(pickled(batches[0])))

    assert str(caught.value) == (
        f"data_batch_1 has MD5 {md5(content)}, not the published "
        f"{md5(pickled(batches[0]))}"
    )
    assert not proof.exists()
    read_pickled = pickle.loads(content)  # The test would notice if it had run.
    assert proof.exists(), read_pickled


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b""]
)
def test_any_other_file_is_refused(path, batches, pickled, change):
    content = pickled(batches[0])
    path.write_bytes(change(content))

    with pytest.raises(SourceError, match="data_batch_1 has MD5"):
        read_pickled_batch(path, md5(content))


def test_a_missing_file_is_a_reason(path):
    with pytest.raises(
        SourceError, match=r"^data_batch_1 cannot be read \(No such file"
    ):
        read_pickled_batch(path, "")
