"""Have a data set once per user: from the store, or fetched into it by one process."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UsageError
from harness.storage.cache import CACHE_VARIABLE
from harness.storage.lock import only_one
from harness.tasks.cifar10.binary import BATCH_NAMES, Edition
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import Source, SourceError
from harness.tasks.cifar10.store import Cifar10, StoreMiss, read_store, write_store

_BUILDING = "building-"
#: A downloaded archive, what is unpacked from it, and the arrays.
_COPIES_WHILE_BUILDING = 3


def obtain(
    root: Path, edition: Edition, sources: Sequence[Source], progress: Progress
) -> Cifar10:
    """Return a data set, fetching it only where its folder in `root` is not sound.

    Sources are tried in their order until one gives the batches that `edition` names.
    Two processes that fetch at once get the work of the first.
    """
    store = root / f"cifar10-{edition.data_hash[:16]}"
    try:
        return read_store(store, edition)
    except StoreMiss:
        # Looked at again under the lock: another process may be building it now.
        pass
    try:
        root.mkdir(parents=True, exist_ok=True)
        with only_one(root / "fetch.lock", progress.say):
            return _read_or_build(store, edition, sources, progress)
    except OSError as error:
        raise UsageError(_storage_message(root, error)) from error


def _read_or_build(
    store: Path, edition: Edition, sources: Sequence[Source], progress: Progress
) -> Cifar10:
    try:
        return read_store(store, edition)
    except StoreMiss as miss:
        if store.exists():
            progress.say(f"The data cache {miss}: building it again.")
    with _building_folder(store.parent) as building:
        _require_space(building, edition)
        arrays = building / "arrays"
        _fetch(arrays, edition, sources, progress)
        _replace(store, arrays, aside=building / "replaced")
    return read_store(store, edition)


@contextmanager
def _building_folder(root: Path) -> Iterator[Path]:
    """Make a folder that goes away, with those that killed processes left behind."""
    for leftover in root.glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover)
    folder = root / f"{_BUILDING}{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_space(folder: Path, edition: Edition) -> None:
    needed = _COPIES_WHILE_BUILDING * len(BATCH_NAMES) * edition.batch_bytes
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB needed")


def _fetch(
    arrays: Path, edition: Edition, sources: Sequence[Source], progress: Progress
) -> None:
    """Fill a new folder from the first source that has the right bytes."""
    arrays.mkdir()
    reasons = []
    for source in sources:
        workspace = arrays.with_name("workspace")
        workspace.mkdir()
        try:
            batches = source.batches(workspace, progress)
            return write_store(arrays, edition, batches, progress)
        except SourceError as error:
            reasons.append(f"{source.name}: {error}")
            progress.say(f"No data from {reasons[-1]}")
        finally:
            shutil.rmtree(workspace)
    raise UsageError(_no_source_message(reasons))


def _replace(store: Path, arrays: Path, aside: Path) -> None:
    """Put a finished folder in its place; readers keep what they have mapped."""
    if store.exists():
        store.rename(aside)
    _sync(arrays)
    arrays.rename(store)
    _sync(store.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_source_message(reasons: Sequence[str]) -> str:
    return (
        f"CIFAR-10 could not be had ({'; '.join(reasons)}). There are three ways: "
        "make the host of torchvision.datasets.CIFAR10 reachable; or install npm and "
        "let it reach its registry; or give an existing cifar-10-batches-py with "
        "--data-dir or UNLEARN_EVAL_DATA."
    )


def _storage_message(root: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of the data cache {root} is full ({error.strerror}): free some "
            f"space, or set {CACHE_VARIABLE} to a folder on another disk."
        )
    return (
        f"The data cache {root} cannot be written ({error.strerror}): set "
        f"{CACHE_VARIABLE} to a folder that you can write."
    )
