"""Whatever an ``estimate`` file holds, it gives numbers or one clear sentence."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.errors import UsageError
from harness.metrics.inputs.array_file import read_confidences
from harness.results.serialization import to_json as as_json
from harness.scoring.estimate import estimate_arrays
from harness.storage.files import to_json

FUZZ = settings.get_profile("fuzz")
RNG = np.random.default_rng(0)


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


SOUND = npz(unlearned=RNG.normal(size=(4, 3)), retrained=RNG.normal(size=(4, 3)))
LOGITS = npz(
    unlearned=RNG.normal(size=(3, 2, 4)).astype(np.float32),
    retrained=RNG.normal(size=(3, 2, 4)).astype(np.float32),
    targets=np.array([0, 3]),
)


@pytest.fixture(scope="module")
def estimated(tmp_path_factory):
    """Asserts that bytes are estimated or refused in one sentence."""
    path = tmp_path_factory.mktemp("arrays") / "odd.npz"

    def check(content: bytes) -> bool:
        path.write_bytes(content)
        try:
            models = read_confidences(path)
            figures = estimate_arrays(*models, delta=1e-5, everything=False)
        except UsageError as error:
            assert str(error)
            assert len(str(error)) < 5000
            return False
        to_json(as_json(figures))  # No NaN.
        return True

    return check


def test_the_sound_files_are_estimated(estimated):
    assert estimated(SOUND)
    assert estimated(LOGITS)


@FUZZ
@given(
    st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: b"PK\x03\x04" + b)
)
def test_any_bytes_are_told(estimated, content):
    estimated(content)


@FUZZ
@given(st.data(), st.sampled_from([SOUND, LOGITS]))
def test_a_damaged_archive_is_told(estimated, mutations, data, sound):
    estimated(data.draw(mutations(sound)))


@FUZZ
@given(st.data())
def test_a_damaged_array_in_a_sound_archive_is_told(estimated, mutations, data):
    """Whose checksums fit: this is what reaches numpy's own parser."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(SOUND)) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, data.draw(mutations(old.read(name))))
    estimated(buffer.getvalue())


HEADERS = st.sampled_from(
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3.5), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }",
        "{'descr': '<U9', 'fortran_order': False, 'shape': (4, 3), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (4, 3), }",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (4, 3), }",
        "{'descr': '<f8', 'fortran_order': 7, 'shape': (4, 3), }",
        "{'descr': '<f8', 'shape': (4, 3), }",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (4, 3), }",
        "[" * 3000,
        "(" * 90 + ")" * 90,
    ]
)


@FUZZ
@given(HEADERS, st.binary(max_size=200), st.sampled_from([b"\1\0", b"\2\0", b"\3\0"]))
def test_an_odd_header_is_told(estimated, header, body, version):
    words = header.encode() + b"\n"
    length = len(words).to_bytes(2 if version == b"\1\0" else 4, "little")
    array = b"\x93NUMPY" + version + length + words + body
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("unlearned.npy", array)
        archive.writestr("retrained.npy", array)
    estimated(buffer.getvalue())


SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = hnp.arrays(hnp.scalar_dtypes(), SHAPES)


@FUZZ
@given(ARRAYS, ARRAYS, st.none() | ARRAYS)
def test_arrays_of_any_kind_and_shape_are_told(
    estimated, unlearned, retrained, targets
):
    others = {} if targets is None else {"targets": targets}
    estimated(npz(unlearned=unlearned, retrained=retrained, **others))


NUMBERS = st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u8", "g"])


@FUZZ
@given(st.data(), NUMBERS, st.integers(2, 5), st.integers(1, 4))
def test_numbers_of_any_size_are_told(estimated, data, kind, n_models, n_examples):
    """Shapes that fit: this is what reaches the metric."""
    shape = (n_models, n_examples)
    arrays = hnp.arrays(np.dtype(kind), shape)
    estimated(npz(unlearned=data.draw(arrays), retrained=data.draw(arrays)))


def test_an_archive_that_unpacks_to_more_than_is_read_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.metrics.inputs.array_file.LARGEST_BYTES", 1 << 20)
    path = tmp_path / "bomb.npz"
    path.write_bytes(npz(unlearned=np.zeros((1 << 9, 1 << 9)), retrained=np.zeros(2)))
    assert path.stat().st_size < 1 << 14

    with pytest.raises(UsageError, match="fewer models or examples"):
        read_confidences(path)
