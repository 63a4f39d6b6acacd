"""Weights as bytes: the only thing that leaves a run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save

from harness.errors import CheckFailed
from harness.models.weights import (
    WeightSpec,
    read_weights,
    relative_distance,
    stack_weights,
    unstack_weights,
)

ARRAYS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.running_var": np.ones(2, dtype=np.float32),
    "n": np.array(7, dtype=np.int64),
}


@pytest.fixture
def spec() -> WeightSpec:
    return WeightSpec.of(ARRAYS)


def test_what_is_packed_comes_back(spec):
    arrays = spec.unpack(spec.pack(ARRAYS))

    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)


def test_the_order_of_names_does_not_matter(spec):
    turned = dict(reversed(ARRAYS.items()))

    assert WeightSpec.of(turned) == spec
    assert spec.pack(turned) == spec.pack(ARRAYS)


def test_a_specification_comes_back_from_json(spec):
    assert WeightSpec.from_json(spec.to_json()) == spec


def test_the_bytes_are_counted_before_they_come(spec):
    assert spec.n_bytes == len(spec.pack(ARRAYS)) == 24 + 8 + 8


@pytest.mark.parametrize("blob", [b"", b"x", bytes(39), bytes(41)])
def test_too_few_or_too_many_bytes_are_refused(spec, blob):
    with pytest.raises(ValueError, match=f"{len(blob)} bytes of weights, not 40"):
        spec.unpack(blob)


def test_unpacked_weights_cannot_be_written(spec):
    arrays = spec.unpack(spec.pack(ARRAYS))

    with pytest.raises(ValueError, match="read-only"):
        arrays["b.weight"][0, 0] = 1


def test_sound_weights_have_no_unusable_tensor(spec):
    assert spec.first_unusable(spec.pack(ARRAYS)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("b.weight", np.nan),
        ("b.weight", np.inf),
        ("b.weight", -np.inf),
        ("a.running_var", -1e-9),
        ("a.running_var", np.nan),
    ],
)
def test_the_first_unusable_tensor_is_named(spec, name, value):
    bad = {**ARRAYS, name: ARRAYS[name].copy()}
    bad[name].flat[-1] = value

    assert spec.first_unusable(spec.pack(bad)) == name


@given(hnp.arrays(np.float32, 5, elements=st.floats(0.5, 100, width=32)))
def test_the_distance_is_relative_to_where_it_started(array):
    start = {"w": array}

    assert relative_distance(start, start) == 0
    assert relative_distance({"w": 3 * array}, start) == pytest.approx(2, rel=1e-5)


def test_models_that_were_stacked_come_back_one_by_one():
    other = {name: array + 1 for name, array in ARRAYS.items()}

    stacked = stack_weights([ARRAYS, other])

    assert stacked["b.weight"].shape == (2, 2, 3)
    for ours, theirs in zip(unstack_weights(stacked), [ARRAYS, other], strict=True):
        assert WeightSpec.of(ours) == WeightSpec.of(theirs)
        for name, array in theirs.items():
            assert isinstance(ours[name], np.ndarray)
            assert np.array_equal(ours[name], array)


def test_counters_do_not_count_as_distance():
    moved = {**ARRAYS, "n": np.array(99, dtype=np.int64)}

    assert relative_distance(moved, ARRAYS) == 0


def test_weights_are_read_from_a_file(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(save(ARRAYS))

    assert set(read_weights(tmp_path / "w.safetensors")) == set(ARRAYS)


@pytest.mark.parametrize("content", [None, b"", b"not weights", save(ARRAYS)[:-3]])
def test_a_missing_or_damaged_file_is_a_failed_check(tmp_path, content):
    if content is not None:
        (tmp_path / "w.safetensors").write_bytes(content)

    with pytest.raises(CheckFailed, match="cannot read the weights"):
        read_weights(tmp_path / "w.safetensors")


def test_a_distance_is_the_same_to_the_bit_in_whatever_order_the_tensors_come():
    rng = np.random.default_rng(0)
    old = {str(i): rng.normal(size=7).astype(np.float32) for i in range(9)}
    new = {name: array + np.float32(0.1) for name, array in old.items()}
    orders = [{n: old[n] for n in rng.permutation(list(old)).tolist()} for _ in "1234"]

    distances = {relative_distance(new, order) for order in orders}

    assert len(distances) == 1
