"""The cache: fetched once, checked always, mended when broken."""

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.storage.lock import WAITING
from harness.tasks.cifar10.cache import obtain
from harness.tasks.cifar10.source import SourceError


@pytest.fixture
def root(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def store(root, edition, fake_source, recorded):
    """The folder of a cache that has been filled."""
    obtain(root, edition, [fake_source()], recorded)
    return next(root.glob("cifar10-*"))


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def _sound(data, batches):
    images = np.concatenate([b.images() for b in batches])
    targets = np.concatenate([b.labels for b in batches])
    return (
        np.array_equal(np.concatenate([data.train_images, data.test_images]), images)
        and np.array_equal(
            np.concatenate([data.train_targets, data.test_targets]), targets
        )
        and data.train_targets.dtype == np.int64
    )


def test_a_source_is_asked_once_only(root, edition, batches, fake_source, recorded):
    source = fake_source()
    first = obtain(root, edition, [source], recorded)
    second = obtain(root, edition, [source], recorded)
    assert source.asked == 1
    assert _sound(first, batches)
    assert _sound(second, batches)


def test_nothing_but_the_store_and_the_lock_is_left(root, store):
    assert _names(root) == [store.name, "fetch.lock"]
    assert _names(store) == [
        "test_images.npy",
        "test_targets.npy",
        "train_images.npy",
        "train_targets.npy",
    ]


def test_arrays_are_mapped_and_cannot_be_written(root, edition, fake_source, recorded):
    for array in obtain(root, edition, [fake_source()], recorded):
        assert isinstance(array, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def _truncate(store):
    path = store / "train_images.npy"
    os.truncate(path, path.stat().st_size - 1)


def _grow(store):
    with (store / "train_targets.npy").open("ab") as file:
        file.write(b"\0")


def _flip_a_bit_unseen_by_time_stamps(store):
    path = store / "test_images.npy"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _flip_a_bit_of_a_header(store):
    path = store / "test_targets.npy"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


def _turn_the_byte_order(store):
    path = store / "test_targets.npy"
    path.write_bytes(path.read_bytes().replace(b"<i8", b">i8", 1))


def _lose_an_array(store):
    (store / "train_targets.npy").unlink()


def _empty_an_array(store):
    (store / "test_targets.npy").write_bytes(b"")


def _exchange_arrays(store):
    train, test = store / "train_targets.npy", store / "test_targets.npy"
    train.write_bytes(test.read_bytes())


def _arrays_of_another_order(store):
    path = store / "train_images.npy"
    np.save(path, np.asfortranarray(np.load(path)))


def _folder_in_place_of_an_array(store):
    _lose_an_array(store)
    (store / "train_targets.npy").mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _grow,
        _flip_a_bit_unseen_by_time_stamps,
        _flip_a_bit_of_a_header,
        _turn_the_byte_order,
        _lose_an_array,
        _empty_an_array,
        _exchange_arrays,
        _arrays_of_another_order,
        _folder_in_place_of_an_array,
    ],
    ids=lambda damage: damage.__name__.strip("_"),
)
def test_damage_is_noticed_and_mended(store, edition, fake_source, recorded, damage):
    damage(store)
    source = fake_source()
    assert _sound(obtain(store.parent, edition, [source], recorded), source.given)
    assert source.asked == 1
    assert [line for line in recorded.lines if "building it again" in line]
    assert _sound(obtain(store.parent, edition, [], recorded), source.given)
    assert _names(store.parent) == [store.name, "fetch.lock"]


def test_a_store_with_the_manifest_of_an_earlier_version_is_read(
    store, edition, batches, recorded
):
    (store / "manifest.json").write_text('{"format": 1}')

    assert _sound(obtain(store.parent, edition, [], recorded), batches)


def test_readers_keep_what_they_mapped_when_the_store_is_replaced(
    store, edition, batches, fake_source, recorded
):
    data = obtain(store.parent, edition, [], recorded)
    _lose_an_array(store)
    obtain(store.parent, edition, [fake_source()], recorded)
    assert _sound(data, batches)


def test_a_source_with_other_bytes_is_refused_and_the_next_one_asked(
    root, edition, batches, fake_source, recorded
):
    other = batches[4]._replace(labels=batches[4].labels ^ 1)
    wrong = fake_source([*batches[:4], other, batches[5]], name="wrong")
    data = obtain(root, edition, [wrong, fake_source()], recorded)
    assert _sound(data, batches)
    expected = f"data_batch_5 has SHA-1 {other.sha1()}, not {edition.sums[4]}"
    assert recorded.lines == [f"No data from wrong: {expected}"]
    assert not wrong.workspaces[0].exists()


def test_a_source_that_fails_midway_leaves_nothing_to_the_next(
    root, edition, batches, fake_source, recorded
):
    broken = fake_source(error=SourceError("the line dropped"))
    assert _sound(obtain(root, edition, [broken, fake_source()], recorded), batches)
    assert recorded.lines == ["No data from fake: the line dropped"]


def test_without_any_source_one_error_names_three_ways_out(
    root, edition, fake_source, recorded
):
    sources = [
        fake_source(name="torchvision", error=SourceError("no such host")),
        fake_source(name="npm", error=SourceError("npm is not installed")),
    ]
    with pytest.raises(UsageError) as caught:
        obtain(root, edition, sources, recorded)
    message = str(caught.value)
    assert "torchvision: no such host; npm: npm is not installed" in message
    assert "the host of torchvision.datasets.CIFAR10 reachable" in message
    assert "install npm" in message
    assert "--data-dir or UNLEARN_EVAL_DATA" in message
    assert _names(root) == ["fetch.lock"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_an_interrupt_leaves_nothing_behind(
    root, edition, fake_source, recorded, error
):
    with pytest.raises(type(error)):
        obtain(root, edition, [fake_source(error=error)], recorded)
    assert _names(root) == ["fetch.lock"]


def test_what_a_killed_process_left_is_swept_away(
    root, edition, batches, fake_source, recorded
):
    leftover = root / "building-12345" / "arrays"
    leftover.mkdir(parents=True)
    (leftover / "train_images.npy").write_bytes(b"half")
    assert _sound(obtain(root, edition, [fake_source()], recorded), batches)
    assert not leftover.parent.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_error_and_leaves_nothing(
    root, edition, fake_source, recorded, code
):
    full = fake_source(error=OSError(code, os.strerror(code)))
    with pytest.raises(UsageError, match=f"disk of the data cache {root} is full"):
        obtain(root, edition, [full], recorded)
    assert _names(root) == ["fetch.lock"]


def test_too_little_space_is_told_before_anything_is_fetched(
    root, edition, fake_source, recorded
):
    source = fake_source()
    huge = replace(edition, images_per_batch=10**15)
    with pytest.raises(UsageError, match=r"is full \(\d+ MB needed\): free some space"):
        obtain(root, huge, [source], recorded)
    assert source.asked == 0


def test_a_cache_below_a_file_names_the_remedy(
    tmp_path, edition, fake_source, recorded
):
    (tmp_path / "file").touch()
    root = tmp_path / "file" / "cache"
    with pytest.raises(UsageError) as caught:
        obtain(root, edition, [fake_source()], recorded)
    assert str(caught.value) == (
        f"The data cache {root} cannot be written (Not a directory): set "
        "UNLEARN_EVAL_CACHE to a folder that you can write."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="no folder is closed to root")
def test_a_cache_without_permission_names_the_remedy(
    root, edition, fake_source, recorded
):
    root.mkdir(mode=0o500)
    with pytest.raises(UsageError, match=r"Permission denied.*UNLEARN_EVAL_CACHE"):
        obtain(root, edition, [fake_source()], recorded)


# Several real processes


@pytest.fixture
def archive(tmp_path, batches):
    path = tmp_path / "batches.npz"
    labels = np.stack([b.labels for b in batches])
    np.savez(path, labels=labels, planes=np.stack([b.planes for b in batches]))
    return path


@pytest.fixture
def start(root, archive):
    """Starts a process that obtains the data from a source that waits for a line."""
    started = []

    def run(*options):
        program = Path(__file__).with_name("fetch_program.py")
        process = subprocess.Popen(
            [sys.executable, str(program), str(root), str(archive), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_of_two_processes_at_once_the_second_waits_for_the_first(start):
    first = start()
    assert first.stdout.readline() == "fetching\n"
    second = start()
    assert second.stdout.readline() == f"{WAITING}\n"
    first.stdin.write("\n")
    first.stdin.flush()
    loaded = first.stdout.readline()
    assert loaded.startswith("loaded [")
    assert second.stdout.read() == loaded


def test_a_killed_process_holds_nobody_up(start, root, edition, fake_source, recorded):
    killed = start()
    assert killed.stdout.readline() == "fetching\n"
    killed.kill()
    killed.wait()
    assert list(root.glob("building-*"))
    source = fake_source()
    assert _sound(obtain(root, edition, [source], recorded), source.given)
    assert recorded.lines == []
    assert len(_names(root)) == 2


def test_a_file_that_cannot_be_written_is_one_error_and_leaves_nothing(start, root):
    limited = start("20000")
    assert limited.stdout.readline() == "fetching\n"
    told, _ = limited.communicate("\n")
    assert told == (
        f"The data cache {root} cannot be written (File too large): set "
        "UNLEARN_EVAL_CACHE to a folder that you can write.\n"
    )
    assert _names(root) == ["fetch.lock"]
