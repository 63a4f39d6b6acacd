"""Banks and results in an object store: S3, as a server of its own speaks it."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from harness.errors import UnlearnEvalError, UsageError
from harness.reference import build as build_module
from harness.reference import find_bank
from harness.reference import location as location_module
from harness.reference.build import build_bank, build_part
from harness.reference.member import keep_member
from harness.reference.plan import BuildPlan
from harness.reference.shared import SharedBank, use_bank
from harness.results.store import ResultFolder
from harness.storage.cache import CACHE_VARIABLE
from harness.storage.files import FOLLOWERS
from harness.storage.mirror import local_folder
from harness.storage.objects import Objects, as_folder
from tests.typed_results import run_record, same_record, typed_result

pytest.importorskip("s3fs", reason="needs pip install s3fs")
moto = pytest.importorskip("moto.server", reason="needs pip install 'moto[server]'")


@pytest.fixture(scope="module")
def server():
    """An S3 server on a port of its own."""
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            patch.setenv(f"AWS_{name}", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs  # noqa: PLC0415

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("bucket")
        yield
    server.stop()


@pytest.fixture
def url(server, request):
    """A place of its own for each test."""
    yield f"s3://bucket/{request.node.name}"
    use_bank(None)
    FOLLOWERS.clear()


@pytest.fixture
def machine(user_cache, tmp_path, monkeypatch):
    """Makes this a machine that has the data and nothing else."""

    def make(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for data in user_cache.glob("cifar10-*"):
            if not (folder / data.name).exists():
                (folder / data.name).symlink_to(data)
        monkeypatch.setenv(CACHE_VARIABLE, str(folder))

    return make


@pytest.fixture
def training(bank, monkeypatch):
    """Takes models from the session's bank in the place of training them."""
    weights = dict(zip((-1,), bank.original_weights, strict=True))
    records = {m.index: m for m in (*bank.members, *bank.original_members)}
    trained = []

    def train(plan, indices):
        for index in indices:
            trained.append(index)
            keep_member(plan.folder, records[index], weights.get(index, {}))
            yield index

    monkeypatch.setattr(build_module, "_train_all", train)
    return trained


def plan_of(track) -> BuildPlan:
    return BuildPlan(track=track, n_models=8, jobs=1)


def shared(track, url) -> tuple[Objects, str]:
    """The objects of a bank, and the name that all of them begin with."""
    return Objects(url), f"{plan_of(track).folder.name}/members"


def test_parts_made_anywhere_are_one_bank(  # noqa: PLR0917
    machine, training, track, task, bank, url
):
    use_bank(url)
    machine("one")
    build_part(plan_of(track), range(0, 5), lambda done: None)
    machine("other")
    build_part(plan_of(track), range(5, 8), lambda done: None)
    assert training == [-1, *range(8)]
    machine("third")

    found = find_bank(task, at_least=8)

    for name, array in vars(bank.retrained).items():
        assert np.array_equal(getattr(found.retrained, name), array), name
    for name, array in bank.original_weights[0].items():
        assert np.array_equal(found.original_weights[0][name], array)
    machine("fourth")
    build_bank(plan_of(track), lambda done: None)
    assert len(training) == 9  # Nobody made anything twice.


def test_what_was_made_and_not_yet_shared_is_shared_later(
    machine, training, track, url, monkeypatch
):
    """As a builder leaves it that was killed in between, or lost its network."""
    use_bank(url)
    machine("one")
    with monkeypatch.context() as patch:
        patch.setattr(SharedBank, "offer", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build_part(plan_of(track), range(0, 2), lambda done: None)
    objects, name = shared(track, url)
    assert objects.names(name) == set()

    build_part(plan_of(track), range(0, 2), lambda done: None)

    assert len(training) == 3
    assert len(objects.names(name)) == 3


def test_a_builder_that_is_killed_leaves_whole_models_to_the_next(
    machine, training, track, track_file, url
):
    machine("one")
    objects, name = shared(track, url)
    words = ["--track", track_file, "-n", 8, "--only", "0:8", "--bank", url, "-j", 1]
    command = [sys.executable, "-m", "harness", "reference", "build", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as builder:
        deadline = time.monotonic() + 120
        while not (before := objects.names(name)) and time.monotonic() < deadline:
            time.sleep(0.02)
        builder.kill()
    assert builder.returncode == -signal.SIGKILL
    before = objects.names(name)
    assert 0 < len(before) < 9
    kept = objects.read([f"{name}/{each}" for each in before])
    machine("other")

    use_bank(url)
    build_part(plan_of(track), range(0, 8), lambda done: None)

    assert len(training) == 9 - len(before)  # What is there is whole, and taken.
    assert len(objects.names(name)) == 9
    assert objects.read(list(kept)) == kept


def test_two_builders_at_once_end_with_one_bank(  # noqa: PLR0917
    machine, training, track, bank, url, tmp_path, monkeypatch
):
    """Each with a cache of its own, and before either has shared anything."""
    use_bank(url)
    machine("one")
    both, train, put = threading.Barrier(2), build_module._train_all, []
    put_if_absent = Objects.put_if_absent

    def together(plan, indices):
        both.wait(timeout=60)
        yield from train(plan, indices)

    def counted(objects, name, content) -> bool:
        won = put_if_absent(objects, name, content)
        put.extend([name] * won)
        return won

    def own_cache():
        return tmp_path / str(threading.get_ident())

    monkeypatch.setattr(build_module, "_train_all", together)
    monkeypatch.setattr(location_module, "cache_root", own_cache)
    monkeypatch.setattr(Objects, "put_if_absent", counted)
    monkeypatch.setattr(Objects, "put", lambda *_: 1 / 0)

    with ThreadPoolExecutor(2) as pool:
        plans = [plan_of(track), plan_of(track)]
        built = list(pool.map(lambda plan: build_bank(plan, lambda done: None), plans))

    assert sorted(training) == sorted([-1, *range(8)] * 2)
    objects, name = shared(track, url)
    assert len(put) == len(set(put)) == len(objects.names(name)) == 9
    assert built[0].folder != built[1].folder
    for found in built:
        for name, array in vars(bank.retrained).items():
            assert np.array_equal(getattr(found.retrained, name), array), name
        for name, array in bank.original_weights[0].items():
            assert np.array_equal(found.original_weights[0][name], array)


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_model_is_missing_and_is_put_again(
    machine, training, track, url, damage
):
    use_bank(url)
    machine("one")
    build_part(plan_of(track), range(0, 2), lambda done: None)
    objects, name = shared(track, url)
    path = f"{name}/00001.safetensors"
    sound = objects.read([path])[path]
    middle = len(sound) // 2
    bad = sound[:middle] + bytes([sound[middle] ^ 1]) * (damage == "flipped")
    objects.put(path, bad + sound[middle + 1 :] * (damage == "flipped"))
    machine("other")

    build_part(plan_of(track), range(0, 2), lambda done: None)

    assert training == [-1, 0, 1, 1]
    assert objects.read([path])[path] == sound


def test_of_writers_at_once_one_wins_and_nothing_is_mixed(machine, track, url):
    objects, _ = shared(track, url)
    contents = [bytes([i]) * 200_000 for i in range(6)]
    won = []

    def put(content: bytes) -> None:
        if objects.put_if_absent("one", content):
            won.append(content)

    threads = [threading.Thread(target=put, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    assert objects.read(["one", "none"]) == {"one": won[0]}


def test_a_folder_of_ones_own_may_hold_banks(machine, training, track, tmp_path):
    place = tmp_path / "banks"
    for words in (str(place), place.as_uri()):
        assert as_folder(words) == place
        use_bank(words)
        built = build_bank(plan_of(track), lambda done: None)
        assert built.folder.parent == place
    use_bank(None)
    assert len(training) == 9


def test_results_are_written_to_a_url_as_they_come_and_read_anywhere(
    machine, url, tmp_path
):
    machine("one")
    runs = [run_record(i) for i in range(3)]
    folder = ResultFolder(local_folder(url) / "tiny" / "method" / "abc-n3")
    for run in runs[:2]:
        folder.keep_run(run, "it printed this")
    shutil.rmtree(tmp_path / "one")  # The machine is lost.
    machine("other")
    folder = ResultFolder(local_folder(url) / "tiny" / "method" / "abc-n3")

    found = folder.finished([run.seed for run in runs])

    assert sorted(found) == [0, 1]
    assert all(same_record(found[i], runs[i]) for i in found)
    folder.write(typed_result(), runs)
    machine("third")
    again = ResultFolder(local_folder(url) / "tiny" / "method" / "abc-n3")
    assert again.check() == {"examples.npz", "models.csv"}
    assert again.read() == typed_result()
    totals: list[int] = []
    FOLLOWERS.clear()
    local_folder(url, lambda files, total: totals.append(total) or files)
    assert totals == [len(Objects(url).all_names())]
    names = {name.rpartition("/")[2] for name in Objects(url).all_names()}
    assert names >= {"result.json", "00000.txt"}
    assert not any("runs/" in name for name in Objects(url).all_names())


def test_a_url_of_nobody_is_one_sentence(url, cli, machine):
    machine("one")
    with pytest.raises(UsageError, match="pip install s3fs"):
        local_folder("nothing://bucket")
    with pytest.raises(UnlearnEvalError, match="nothing finished is lost"):
        Objects("s3://no-such-bucket/x").put("name", b"")

    ended = cli("compare", "a", "b", "-o", "nothing://x")

    assert ended.code == 2
    assert ended.err.startswith("Error: nothing://x cannot be used (")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("part", ["0", "4:2", "x:y", "-1:3", "0:9"])
def test_what_is_no_part_is_refused(cli, own_cache, track_file, part):
    ended = cli("reference", "build", "--track", track_file, "-n", 8, "--only", part)

    assert ended.code == 2
    assert ended.err == (
        f"Error: --only {part} is no part of 8 models; give the first and the one "
        "after the last, such as 0:4.\n"
    )
