"""Whatever a kept file holds, it is what was written, or it counts as none."""

import json
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from harness.models.finished import FinishedRun, read_run, run_path, write_run
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from harness.errors import CheckFailed, UnlearnEvalError
from harness.reference.bank import BANK, MANIFEST, ORIGINAL, read_bank
from harness.reference.member import (
    member_path,
    original_path,
    read_member,
    read_original,
    write_member,
    write_original,
)
from harness.results.schema import Result
from harness.results.store import EXAMPLES, MODELS, RESULT, ResultFolder, read_examples
from harness.run.calibration import (
    Calibration,
    CalibrationKey,
    read_calibration,
    write_calibration,
)
from harness.status import Status
from harness.storage.files import sha256_of, write_atomic

FUZZ = settings.get_profile("fuzz")
SEEDS = [11, 12, 13]


def run(index: int) -> FinishedRun:
    rng = np.random.default_rng(index)
    return FinishedRun(
        index=index,
        seed=SEEDS[index],
        forget_confidence=rng.normal(size=4).astype(np.float32),
        test_confidence=rng.normal(size=5).astype(np.float32),
        retain_accuracy=0.75,
        forget_accuracy=0.5,
        test_accuracy=0.25,
        cpu_seconds=1.5,
        wall_seconds=1.25,
        peak_bytes=1e6,
        moved=0.1,
        weights_sha256="ab" * 32,
    )


RUNS = [run(index) for index in range(3)]
RESULT_OF_THREE = Result(
    submission={"name": "method", "title": "Méthode"},
    status=Status.SCORED,
    n_models=3,
    n_finished=3,
    provenance={"track": "tiny", "bank_key": "ab"},
    metrics={"score": {"value": 0.5, "direction": "higher"}},
)


def same(ours, theirs) -> bool:
    pairs = zip(astuple(ours), astuple(theirs), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> ResultFolder:
    """A sound result; a test puts back what it damages."""
    found = ResultFolder(
        tmp_path_factory.mktemp("results") / "tiny" / "method" / "a-n3"
    )
    found.write(RESULT_OF_THREE, RUNS)
    return found


@pytest.fixture(scope="module")
def with_file():
    """Calls something while a file holds other bytes."""

    def call(path: Path, content: bytes, action) -> None:
        sound = path.read_bytes()
        path.write_bytes(content)
        try:
            action()
        finally:
            path.write_bytes(sound)

    return call


FILES = st.sampled_from([RESULT, MODELS, EXAMPLES])


@FUZZ
@given(st.data(), FILES)
def test_a_damaged_result_is_noticed_or_the_same(
    folder, mutations, with_file, data, name
):
    def look() -> None:
        found = folder.finished(SEEDS)
        assert all(same(found[index], RUNS[index]) for index in found)
        try:
            folder.check()
        except CheckFailed as error:
            assert "--force" in str(error)
        else:
            assert folder.read_result() == RESULT_OF_THREE
            assert len(found) == 3

    path = folder.path / name
    with_file(path, data.draw(mutations(path.read_bytes())), look)


@FUZZ
@given(st.data())
def test_any_json_for_a_result_is_none_or_a_result(folder, any_json, with_file, data):
    content = json.loads((folder.path / RESULT).read_text())
    for key in data.draw(st.sets(st.sampled_from(sorted(content)), min_size=1)):
        content[key] = data.draw(any_json)
    odd = data.draw(st.sampled_from([True, False]))
    text = json.dumps(data.draw(any_json) if odd else content)

    def look() -> None:
        assert folder.read_result() in (None, RESULT_OF_THREE)
        found = folder.finished(SEEDS)
        assert all(same(found[index], RUNS[index]) for index in found)

    with_file(folder.path / RESULT, text.encode(), look)


@FUZZ
@given(st.data(), st.sampled_from([MODELS, EXAMPLES]))
def test_damaged_examples_and_models_are_read_or_refused_in_documented_ways(
    folder, mutations, with_file, data, name
):
    """As from a folder whose sums were made to fit."""

    def look() -> None:
        with suppress(OSError, ValueError, KeyError):
            read_examples(folder.path)

    path = folder.path / name
    with_file(path, data.draw(mutations(path.read_bytes())), look)


@FUZZ
@given(st.data())
def test_a_damaged_kept_run_is_none_or_the_same(tmp_path_factory, mutations, data):
    folder = tmp_path_factory.getbasetemp() / "kept-runs"
    write_run(folder, RUNS[1])
    path = run_path(folder, 1)
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_run(folder, 1, SEEDS[1])

    assert found is None or same(found, RUNS[1])


@FUZZ
@given(st.data())
def test_a_damaged_member_is_none_or_the_same(bank, tmp_path_factory, mutations, data):
    path = member_path(tmp_path_factory.getbasetemp() / "kept-members", 0)
    write_member(path, bank.member(0))
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_member(path)

    if found is not None:
        outputs, wanted = found.outputs, bank.member(0).outputs
        assert np.array_equal(outputs.forget_logits, wanted.forget_logits)
        assert found.seconds == bank.member(0).seconds


@FUZZ
@given(st.data())
def test_a_damaged_original_is_none_or_the_same(
    bank, tmp_path_factory, mutations, data
):
    path = original_path(tmp_path_factory.getbasetemp() / "kept-original")
    first = {
        name: bank.original_weights[name] for name in sorted(bank.original_weights)[:2]
    }
    write_original(path, bank.original, first)
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_original(path)

    if found is not None:
        assert found[1].keys() == first.keys()
        assert all(np.array_equal(found[1][name], first[name]) for name in first)


@pytest.fixture(scope="module")
def small_bank(bank, tmp_path_factory):
    """A copy of the tiny bank."""
    folder = tmp_path_factory.mktemp("bank")
    for name in (MANIFEST, BANK, ORIGINAL):
        write_atomic(folder / name, (bank.folder / name).read_bytes())
    return folder


def used(folder: Path) -> None:
    """Read a bank, and all that others read of it."""
    found = read_bank(folder)
    assert isinstance(found.key, str)
    for position in range(len(found)):
        found.member(position)
    assert found.original
    assert found.original_weights
    assert found.accuracy("test").size == len(found)


@FUZZ
@given(st.data(), st.sampled_from([MANIFEST, BANK, ORIGINAL]))
def test_a_damaged_bank_is_refused_or_whole(
    small_bank, mutations, with_file, data, name
):
    def look() -> None:
        try:
            used(small_bank)
        except CheckFailed as error:
            assert "reference build" in str(error)

    path = small_bank / name
    with_file(path, data.draw(mutations(path.read_bytes())), look)


@FUZZ
@given(st.data())
def test_any_manifest_is_refused_or_whole(small_bank, any_json, with_file, data):
    content = json.loads((small_bank / MANIFEST).read_text())
    for key in data.draw(st.sets(st.sampled_from(sorted(content)), min_size=1)):
        if data.draw(st.booleans()):
            content[key] = data.draw(any_json)
        else:
            del content[key]

    def look() -> None:
        with suppress(UnlearnEvalError):
            used(small_bank)

    with_file(small_bank / MANIFEST, json.dumps(content).encode(), look)


@FUZZ
@given(st.data())
def test_a_bank_whose_arrays_are_others_but_sums_fit_is_refused(
    small_bank, with_file, data
):
    """As of another version, or of a hand that knows checksums."""
    arrays = dict(sorted(load((small_bank / BANK).read_bytes()).items()))
    for name in data.draw(st.sets(st.sampled_from(sorted(arrays)), min_size=1)):
        match data.draw(st.sampled_from(["drop", "cut", "flat", "empty"])):
            case "drop":
                del arrays[name]
            case "cut":
                arrays[name] = arrays[name][:-1].copy()
            case "flat":
                arrays[name] = arrays[name].reshape(-1)[:1].copy()
            case "empty":
                arrays[name] = np.zeros(0, np.float32)
    content = save(arrays)
    manifest = json.loads((small_bank / MANIFEST).read_text())
    manifest["sha256"][BANK] = sha256_of(content)

    def look() -> None:
        with suppress(CheckFailed):
            used(small_bank)

    def look_with_sums() -> None:
        with_file(small_bank / MANIFEST, json.dumps(manifest).encode(), look)

    with_file(small_bank / BANK, content, look_with_sums)


@FUZZ
@given(st.data())
def test_a_damaged_calibration_is_none_or_the_same(
    track, cache, mutations, any_json, data
):
    key, sound = CalibrationKey(track, "cpu", 77, "none", "ab" * 32), (1.5, 1.25)
    write_calibration(key, Calibration(sound))
    if data.draw(st.booleans()):
        content = data.draw(mutations(key.path.read_bytes()))
    else:
        words = json.loads(key.path.read_text())
        words["retraining_seconds"] = data.draw(any_json)
        content = json.dumps(words).encode()
    key.path.write_bytes(content)

    found = read_calibration(key)

    assert found is None or found.seconds == sound
