"""Whatever a kept file holds, it is what was written, or it counts as none."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from harness.errors import CheckFailed
from harness.models.outputs import SETS
from harness.models.records import ModelRecord, RunRecord, read_record, write_record
from harness.reference.bank import BANK, MANIFEST, ORIGINALS, read_bank
from harness.reference.member import (
    member_path,
    original_path,
    read_original,
    write_original,
)
from harness.results.store import (
    EXAMPLES,
    MODELS,
    RESULT,
    ResultFolder,
    read_examples,
    run_path,
)
from harness.run.calibration import (
    Calibration,
    CalibrationKey,
    read_calibration,
    write_calibration,
)
from harness.storage.cache import CACHE_VARIABLE
from harness.storage.checksums import json_with_checksum
from harness.storage.files import sha256_of, write_atomic
from tests.typed_results import measured, run_record, same_record, typed_result

FUZZ = settings.get_profile("fuzz")
SEEDS = [11, 12, 13]
RUNS = [run_record(index, seed=seed) for index, seed in enumerate(SEEDS)]
RESULT_OF_THREE = typed_result(about={"title": "Méthode"}, metrics=measured())


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
        assert all(same_record(found[index], RUNS[index]) for index in found)
        try:
            folder.check()
        except CheckFailed as error:
            assert "--force" in str(error)
        else:
            assert folder.read_result() == RESULT_OF_THREE
            assert len(found) == 3

    path = folder.path / name
    with_file(path, data.draw(mutations(path.read_bytes())), look)


def test_a_strange_key_is_told_in_one_line(folder, with_file):
    content = {**RESULT_OF_THREE.to_dict(), "files": {}}
    content["about"] = {"\n\x1b[2J": None}

    def look() -> None:
        with pytest.raises(CheckFailed, match=r"cannot be read .*--force"):
            folder.read()

    with_file(folder.path / RESULT, json_with_checksum(content).encode(), look)


@FUZZ
@given(st.data())
def test_any_json_for_a_result_is_none_or_a_result(folder, any_json, with_file, data):
    """With a new checksum, so that nothing but its types speaks against it."""
    wanted = RESULT_OF_THREE.to_dict()
    content = {**wanted, "files": {}}
    for key in data.draw(st.sets(st.sampled_from(sorted(content)), min_size=1)):
        content[key] = data.draw(any_json)
    try:
        text = json_with_checksum(content)
    except ValueError:  # NaN, or a lone surrogate
        text = json.dumps(content)

    def look() -> None:
        found = folder.read_result()
        if found is None:
            with pytest.raises(CheckFailed, match=r"cannot be read .*--force"):
                folder.read()
        else:
            # What it says is what the file says, to the last key.
            told = found.to_dict()
            assert {k: told[k] or None for k in TYPED} == {
                k: content[k] or None for k in TYPED
            }

    with_file(folder.path / RESULT, text.encode("utf-8", "replace"), look)


#: Keys that say something by themselves; the others repeat one of these.
TYPED = RESULT_OF_THREE.to_dict().keys() - {"schema", "submission", "reference"}


def _cells(text: bytes) -> list[list[str]]:
    return [line.split(",") for line in text.decode().splitlines()]


def _csv(rows: list[list[str]]) -> bytes:
    return "".join(",".join(row) + "\n" for row in rows).encode()


NEEDED = ["forget_confidence", "test_confidence"]
NUMBERS = ("index", "seed", "cpu_seconds", "wall_seconds", "peak_bytes", "moved")
SHARES = ("retain_accuracy", "forget_accuracy", "test_accuracy")


@FUZZ
@given(st.data())
def test_a_table_whose_sums_fit_but_that_is_none_of_models_is_refused(
    folder, with_file, data
):
    """As of another version, or of a hand that knows checksums."""
    path = folder.path / MODELS
    rows = _cells(path.read_bytes())
    row = data.draw(st.integers(1, len(rows) - 1))
    match data.draw(
        st.sampled_from(["column", "short", "long", "row", "word", "share", "empty"])
    ):
        case "column":
            # Runs of a single original need not say of which they are.
            needed = [i for i, name in enumerate(rows[0]) if name != "original"]
            column = data.draw(st.sampled_from(needed))
            rows = [[c for i, c in enumerate(r) if i != column] for r in rows]
        case "short":
            rows[row] = rows[row][: data.draw(st.integers(1, len(rows[0]) - 1))]
        case "long":
            rows[row].append("1")
        case "row":
            del rows[row]
        case "word":
            column = rows[0].index(data.draw(st.sampled_from(NUMBERS + SHARES)))
            rows[row][column] = data.draw(st.sampled_from(["", "x", "nan", "inf"]))
        case "share":
            column = rows[0].index(data.draw(st.sampled_from(SHARES)))
            rows[row][column] = data.draw(st.sampled_from(["-0.1", "1.1", "1e300"]))
        case "empty":
            rows = data.draw(st.sampled_from([[], rows[:1]]))

    def look() -> None:
        with pytest.raises((ValueError, KeyError)):
            read_examples(folder.path)

    with_file(path, _csv(rows), look)


@FUZZ
@given(st.data())
def test_arrays_whose_sums_fit_but_that_are_none_of_models_are_refused(
    folder, with_file, data
):
    path = folder.path / EXAMPLES
    with np.load(path) as stored:
        arrays = dict(stored)
    name = data.draw(st.sampled_from(sorted(arrays)))
    match data.draw(st.sampled_from(["drop", "cut", "flat", "odd", "object", "text"])):
        case "drop":
            # Those that calibrate are not of every version.
            del arrays[data.draw(st.sampled_from(NEEDED))]
        case "cut":
            arrays[name] = arrays[name][:-1]
        case "flat":
            arrays[name] = arrays[name].ravel()
        case "odd":
            arrays[name][1, 1] = data.draw(st.sampled_from([np.nan, np.inf, 1e10]))
        case "object":
            arrays[name] = arrays[name].astype(object)
        case "text":
            arrays[name] = np.full(arrays[name].shape, "x")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)

    def look() -> None:
        with pytest.raises((ValueError, KeyError)):
            read_examples(folder.path)

    with_file(path, buffer.getvalue(), look)


@FUZZ
@given(st.data(), st.sampled_from([MODELS, EXAMPLES]))
def test_damaged_files_of_models_are_refused_or_hold_sound_numbers(
    folder, mutations, with_file, data, name
):
    """A digit that became another one is no damage that anyone could see."""

    def look() -> None:
        try:
            runs = read_examples(folder.path)
        except (OSError, ValueError, KeyError):
            return
        if name == EXAMPLES:  # Its format has checksums of its own.
            assert all(same_record(*pair) for pair in zip(runs, RUNS, strict=True))
        for run in runs:
            numbers = [run.cpu_seconds, run.wall_seconds, run.peak_bytes, run.moved]
            assert np.isfinite([*numbers, run.index, run.seed]).all()
            assert all(0 <= run.outputs.accuracy(of)[0] <= 1 for of in SETS)

    path = folder.path / name
    with_file(path, data.draw(mutations(path.read_bytes())), look)


@FUZZ
@given(st.data())
def test_a_damaged_kept_run_is_none_or_the_same(tmp_path_factory, mutations, data):
    path = run_path(tmp_path_factory.getbasetemp() / "kept", 1)
    write_record(path, RUNS[1])
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_record(path, RunRecord)

    assert found is None or same_record(found, RUNS[1])


@FUZZ
@given(st.data())
def test_a_damaged_member_is_none_or_the_same(bank, tmp_path_factory, mutations, data):
    path = member_path(tmp_path_factory.getbasetemp() / "kept-members", 0)
    write_record(path, bank.members[0])
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_record(path, ModelRecord)

    if found is not None:
        outputs, wanted = found.outputs, bank.members[0].outputs
        assert np.array_equal(outputs.forget_confidence, wanted.forget_confidence)
        assert found.cpu_seconds == bank.members[0].cpu_seconds


@FUZZ
@given(st.data())
def test_a_damaged_original_is_none_or_the_same(
    bank, tmp_path_factory, mutations, data
):
    path = original_path(tmp_path_factory.getbasetemp() / "kept-original", -1)
    first = {
        name: bank.original_weights[0][name]
        for name in sorted(bank.original_weights[0])[:2]
    }
    write_original(path, bank.original_members[0], first)
    path.write_bytes(data.draw(mutations(path.read_bytes())))

    found = read_original(path)

    if found is not None:
        assert found[1].keys() == first.keys()
        assert all(np.array_equal(found[1][name], first[name]) for name in first)


@pytest.fixture(scope="module")
def small_bank(bank, tmp_path_factory):
    """A copy of the tiny bank."""
    folder = tmp_path_factory.mktemp("bank")
    for name in (MANIFEST, BANK, ORIGINALS):
        write_atomic(folder / name, (bank.folder / name).read_bytes())
    return folder


def used(folder: Path) -> None:
    """Read a bank, and all that others read of it."""
    found = read_bank(folder)
    assert isinstance(found.key, str)
    assert len(found.members) == len(found)
    assert found.original
    assert found.original_weights
    assert found.retrained.accuracy("test").size == len(found)


@FUZZ
@given(st.data(), st.sampled_from([MANIFEST, BANK, ORIGINALS]))
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

    original = json.loads((small_bank / MANIFEST).read_text())
    sound = content.get("format") == original["format"] and all(
        _typed_like(content.get(key), value)
        for key, value in original.items()
        if key != "sha256"
    )
    sound = sound and _sums_fit(content.get("sha256"), small_bank)

    def look() -> None:
        if sound:
            used(small_bank)
        else:
            with pytest.raises(CheckFailed):
                used(small_bank)

    with_file(small_bank / MANIFEST, json.dumps(content).encode(), look)


def _typed_like(value: object, original: object) -> bool:
    if isinstance(value, dict) and isinstance(original, dict):
        return all(_typed_like(value.get(key), original[key]) for key in original)
    return type(value) is type(original) and not isinstance(original, dict)


def _sums_fit(sums: object, folder: Path) -> bool:
    wanted = {
        name: sha256_of((folder / name).read_bytes()) for name in (BANK, ORIGINALS)
    }
    return isinstance(sums, dict) and wanted.items() <= sums.items()


@FUZZ
@given(st.data())
def test_a_bank_whose_arrays_are_others_but_sums_fit_is_refused(
    small_bank, with_file, data
):
    """As of another version, or of a hand that knows checksums."""
    arrays = dict(sorted(load((small_bank / BANK).read_bytes()).items()))
    shapes = {name: array.shape for name, array in arrays.items()}
    for name in data.draw(st.sets(st.sampled_from(sorted(arrays)), min_size=1)):
        match data.draw(st.sampled_from(["drop", "cut", "flat", "empty"])):
            case "drop" if "calibrat" not in name:
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

    changed = {name: array.shape for name, array in arrays.items()} != shapes

    def look() -> None:
        if changed:
            with pytest.raises(CheckFailed):
                used(small_bank)
        else:  # One number cut down to one number.
            used(small_bank)

    def look_with_sums() -> None:
        with_file(small_bank / MANIFEST, json.dumps(manifest).encode(), look)

    with_file(small_bank / BANK, content, look_with_sums)


@FUZZ
@given(st.data())
def test_a_damaged_calibration_is_none_or_the_same(
    track, tmp_path_factory, mutations, any_json, data
):
    # Others' calibrations lie in the session's cache, and they read all that lie there.
    folder = tmp_path_factory.getbasetemp() / "calibrations"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        look_at_damaged(track, mutations, any_json, data)


def look_at_damaged(track, mutations, any_json, data):
    """Damage a calibration, and read it."""
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
