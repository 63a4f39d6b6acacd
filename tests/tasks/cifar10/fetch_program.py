"""Program for tests with several processes: obtain fake data from a slow source.

Usage: fetch_program.py CACHE BATCHES.npz [LARGEST_FILE_IN_BYTES]. It prints what it is
told, ``fetching`` when its source is asked, and then waits for a line on stdin.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.tasks.cifar10.binary import Batch, Edition
from harness.tasks.cifar10.cache import obtain
from harness.tasks.cifar10.progress import Progress
from harness.tasks.cifar10.store import Cifar10


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Spoken(Progress):
    def say(self, line):
        tell(line)


class SlowSource:
    name = "slow"

    def __init__(self, batches):
        self._batches = batches

    def batches(self, workspace, progress):
        tell("fetching")
        sys.stdin.readline()
        yield from self._batches


def main(root, archive, largest_file=None):
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (int(largest_file),))
    with np.load(archive) as stored:
        batches = list(map(Batch, stored["labels"], stored["planes"]))
    sums = tuple(b.sha1() for b in batches)
    whole = Cifar10.of(batches).sha256()
    edition = Edition(len(batches[0].labels), sums, sums, whole)
    try:
        data = obtain(Path(root), edition, [SlowSource(batches)], Spoken(shown=False))
    except UsageError as error:
        tell(error)
    else:
        tell(f"loaded {data.train_targets.tolist()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
