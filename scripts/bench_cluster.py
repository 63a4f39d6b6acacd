"""Hold a Dask cluster of this machine against the same number of processes here.

    python scripts/bench_cluster.py                      # 32 members, N = 64, 2 workers
    python scripts/bench_cluster.py build --members 4    # one of build, score, overhead

In one run: seconds of the same commands with ``-j 2`` and on a cluster of two worker
processes, their ratio, and whether all bits are equal; then what the scheduler adds to
a run, with eight workers that sleep. Run it while nothing else does, and trust the
ratios.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from harness.execution.crew import Crew
from harness.execution.remote import Work
from harness.reference.bank import ReferenceBank, read_bank
from harness.results.store import MODELS
from harness.storage.cache import CACHE_VARIABLE, cache_root
from harness.storage.shipped import shipped_submissions
from harness.track import find_track

#: What decides whether two runs gave the same model.
_COLUMNS = ("seed", "weights_sha256", "retain_accuracy", "test_accuracy")


Pairs = list[tuple[Path, Sequence[object]]]


class Sleeping(Work):
    """Sleep in the place of a run."""

    def prepare(self, n_neighbours: int) -> str:
        """Nothing is needed."""
        del n_neighbours
        return ""

    def do(self, item: tuple[int, float]) -> int:
        """Sleep for so many seconds."""
        time.sleep(item[1])
        return item[0]


def _cluster(n_workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
    )


def _cache(folder: Path) -> Path:
    """Make an empty cache that knows the data of the user's own."""
    folder.mkdir()
    for data in cache_root().glob("cifar10-*"):
        (folder / data.name).symlink_to(data)
    return folder


def _seconds(cache: Path, *words: object) -> float:
    """Time a command from its start to its end."""
    argv = [sys.executable, "-m", "harness", *map(str, words), "--no-progress"]
    start = time.perf_counter()
    ended = subprocess.run(
        argv,
        env={**os.environ, CACHE_VARIABLE: str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(argv)}\n{ended.stdout}")
    return time.perf_counter() - start


def _bank(cache: Path) -> ReferenceBank:
    (folder,) = (path for path in (cache / "banks").iterdir() if path.is_dir())
    return read_bank(folder)


def _same_bank(first: ReferenceBank, second: ReferenceBank) -> bool:
    pairs = zip(vars(first.retrained).values(), vars(second.retrained).values())  # noqa: B905
    return all(np.array_equal(a, b) for a, b in pairs)


def _same_runs(caches: Sequence[Path], n_models: int) -> bool:
    found = (next(c.glob(f"runs/*/*/*-n{n_models}/{MODELS}")) for c in caches)
    first, second = map(pd.read_csv, found)
    return all(first[name].equals(second[name]) for name in _COLUMNS)


def _report(what: str, took: Sequence[float], same: bool) -> None:
    here, there = took
    bits = "equal" if same else "DIFFERENT"
    print(
        f"{what}: here {here:.1f} s, cluster {there:.1f} s, ratio {there / here:.2f}, "
        f"bits {bits}",
        flush=True,
    )


def _overhead(n_workers: int, n_runs: int, seconds: float) -> None:
    """Print what a run takes beyond its own time, with workers that sleep."""
    track = find_track("cifar10-quick")  # It is looked at by nobody.
    work = Sleeping(track=track, data_dir=None, data_hash="", engine_version="")
    items = [(index, seconds) for index in range(n_runs)]
    with (
        _cluster(n_workers) as cluster,
        Client(cluster, set_as_default=False) as client,
        Crew(client, work, print) as crew,
    ):
        list(crew.do(items[:n_workers]))  # All have joined.
        start = time.perf_counter()
        list(crew.do(items))
        wall = time.perf_counter() - start
    ideal = seconds * -(-n_runs // n_workers)
    print(
        f"{n_runs} runs of {seconds} s by {n_workers} sleeping workers: {wall:.2f} s, "
        f"at best {ideal:.2f} s: {1000 * (wall - ideal) * n_workers / n_runs:.1f} ms "
        "a run and worker"
    )


def _pairs(folder: Path, address: str, workers: int) -> Pairs:
    """Give each way of working a cache of its own, and the words that ask for it."""
    ways: list[Sequence[object]] = [("-j", workers), ("--scheduler", address)]
    return [(_cache(folder / str(way[0])), way) for way in ways]


def _build(pairs: Pairs, track: str, members: int) -> None:
    words = ("reference", "build", "--track", track, "--split-seed", 77, "-n", members)
    took = [_seconds(cache, *words, *way) for cache, way in pairs]
    same = _same_bank(*(_bank(cache) for cache, _ in pairs))
    _report(f"{members} members of {track}", took, same)


def _score(pairs: Pairs, track: str, n_models: int) -> None:
    took = []
    for cache, way in pairs:
        finetune = shipped_submissions() / "finetune.py"
        words = ("score", finetune, "--track", track, *way, "-o", cache / "runs")
        _seconds(cache, *words, "-n", 2)  # Retrainings are measured now.
        took.append(_seconds(cache, *words, "-n", n_models, "--force"))
    same = _same_runs([cache for cache, _ in pairs], n_models)
    _report(f"finetune, N = {n_models}", took, same)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(("build", "score", "overhead")))
@click.option("--track", default="cifar10-quick")
@click.option("--members", default=32)
@click.option("-n", "--n-models", default=64)
@click.option("--workers", default=2)
@click.option("--sleepers", default=8)
@click.option("--sleeps", default=256)
def main(  # noqa: PLR0913, PLR0917 - one for each option
    parts: tuple[str, ...],
    track: str,
    members: int,
    n_models: int,
    workers: int,
    sleepers: int,
    sleeps: int,
) -> None:
    """Print the three figures, or some of them."""
    wanted = set(parts or ("build", "score", "overhead"))
    if wanted & {"build", "score"}:
        with tempfile.TemporaryDirectory() as name, _cluster(workers) as cluster:
            pairs = _pairs(Path(name), cluster.scheduler_address, workers)
            if "build" in wanted:
                _build(pairs, track, members)
            if "score" in wanted:
                _score(pairs, track, n_models)
    if "overhead" in wanted:
        _overhead(sleepers, sleeps, 0.25)


if __name__ == "__main__":
    main()
