"""A file changed by hand is noticed: told, or made again, and never a wrong number."""

import json
import shutil

import numpy as np
import pytest

from harness.errors import CheckFailed
from harness.models.records import write_record
from harness.reference import find_bank
from harness.reference.location import built_folder
from harness.results.store import EXAMPLES, MODELS, RESULT, read_examples, run_path
from harness.tasks.cifar10.binary import CIFAR10
from harness.tasks.cifar10.store import StoreMiss, read_store
from harness.tasks.registry import find_task


class Desk:
    """Scores one submission of four runs, and counts what is run."""

    def __init__(self, cli, executor, method, track_file) -> None:
        self._cli, self._executor = cli, executor
        self.output = method.parent / "runs"
        self._words = ("score", method, "--track", track_file, "-o", self.output)

    def score(self, *words: str):
        return self._cli(*self._words, "--isolation", "none", *words)

    def repeated(self) -> list[int]:
        started = sorted(self._executor.started)
        self._executor.started.clear()
        return started

    @property
    def folder(self):
        (found,) = self.output.glob("tiny/method/*-n4")
        return found

    def numbers(self) -> dict:
        """All that does not depend on the clock."""
        content = json.loads((self.folder / RESULT).read_text())
        with np.load(self.folder / EXAMPLES) as arrays:
            found = {key: arrays[key].tobytes() for key in arrays.files}
        return found | {k: content[k] for k in ("status", "epsilon", "score")}


@pytest.fixture
def desk(cli, executor, method, track_file):
    desk = Desk(cli, executor, method, track_file)
    assert desk.score().code == 0
    desk.repeated()
    return desk


def changed_number(content: bytes) -> bytes:
    """Another digit, as a hand that wants a better number would write it."""
    place = content.rindex(b"0.")
    digit = b"1" if content[place + 2 : place + 3] != b"1" else b"2"
    return content[: place + 2] + digit + content[place + 3 :]


def changed_byte(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("name", "change"),
    [(RESULT, changed_number), (MODELS, changed_number), (EXAMPLES, changed_byte)],
)
def test_a_changed_file_of_a_result_is_told_and_made_again(desk, name, change):
    wanted, path = desk.numbers(), desk.folder / name
    path.write_bytes(change(path.read_bytes()))

    ended = desk.score()

    assert ended.code == 0
    assert "--force. That is done now." in ended.err
    assert desk.repeated() == [0, 1, 2, 3]
    numbers = desk.numbers()
    # The score divides by a cost, which is measured anew.
    assert numbers.pop("score")["value"] > 0
    wanted.pop("score")
    assert numbers == wanted


@pytest.mark.parametrize("name", [RESULT, MODELS, EXAMPLES])
def test_a_changed_result_is_not_compared(desk, cli, name):
    path = desk.folder / name
    path.write_bytes(changed_byte(path.read_bytes()))

    ended = cli("compare", desk.folder, desk.folder, "-o", desk.output)

    assert ended.code in (2, 4)
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_a_changed_kept_run_is_done_again_and_no_other(desk):
    """Kept one by one, as a kill before the end leaves them."""
    wanted, folder = desk.numbers(), desk.folder
    runs = read_examples(folder)
    shutil.rmtree(folder)
    for run in runs:
        write_record(run_path(folder, run.index), run)
    path = run_path(folder, 2)
    path.write_bytes(changed_byte(path.read_bytes()))

    assert desk.score().code == 0

    assert desk.repeated() == [2]
    numbers = desk.numbers()
    del numbers["score"], wanted["score"]
    assert numbers == wanted


def test_a_changed_cost_of_a_retraining_is_measured_anew(desk, cache):
    """A dearer retraining would make every submission look cheaper."""
    sound = {p: p.read_text() for p in cache.glob("calibration/*.json")}
    for path, text in sound.items():
        content = json.loads(text)
        content["retraining_seconds"] = [1e6, 1e6, 1e6]
        path.write_text(json.dumps(content))
    try:
        assert desk.score("--seed", "1").code == 0

        assert len(desk.repeated()) > 4
        measured = [path for path in sound if "1000000.0" not in path.read_text()]
        assert measured  # another test may have measured its own meanwhile
    finally:
        for path, text in sound.items():
            path.write_text(text)


@pytest.fixture(params=["bank.safetensors", "originals.safetensors"])
def changed_bank(bank, track, own_cache, request):
    """The name of the file of a bank that was changed."""
    folder = built_folder(find_task(track))
    shutil.copytree(bank.folder, folder)
    path = folder / request.param
    path.write_bytes(changed_byte(path.read_bytes()))
    return request.param


def test_a_changed_bank_is_told(changed_bank, track, cli, method, track_file):
    with pytest.raises(CheckFailed, match=f"{changed_bank} is not what was written"):
        find_bank(find_task(track))
    ended = cli("score", method, "--track", track_file, "-o", method.parent / "runs")

    assert ended.code == 4
    assert ended.err.splitlines()[-1].startswith("Error: the reference bank in ")


def test_changed_data_is_never_used(own_cache):
    (link,) = own_cache.glob("cifar10-*")
    target = link.resolve()
    link.unlink()
    shutil.copytree(target, link)
    path = link / "train_images.npy"
    with path.open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))

    with pytest.raises(StoreMiss, match="has other bytes than CIFAR-10"):
        read_store(link, CIFAR10)


def test_runs_that_a_kill_left_beside_their_result_are_tidied_away(desk):
    """Killed between the writing of the one and the removal of the others."""
    for run in read_examples(desk.folder):
        write_record(run_path(desk.folder, run.index), run)

    ended = desk.score()

    assert "(stored result)" in ended.err
    assert desk.repeated() == []
    assert not (desk.folder / "runs").exists()
