"""A worker of a Dask cluster is killed: its runs are made elsewhere, the same."""

import os
import select
import signal
from pathlib import Path

import pytest

from harness import api
from harness.sandbox import Level, Sandbox
from harness.scoring.scorer import Scorer
from harness.status import Status

distributed = pytest.importorskip(
    "distributed", reason="needs pip install 'unlearn-eval[cluster]'"
)

METHOD = '''"""Shake the weights, and take a moment."""

import time
import torch


def unlearning(net, retain, forget, validation):
    time.sleep(0.2)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.01 * torch.randn_like(p)
'''


@pytest.fixture(scope="module")
def dask_cluster(cache):
    """Two worker processes, which a nanny starts again when they are killed."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(dask_cluster):
    with distributed.Client(dask_cluster, set_as_default=False) as client:
        yield client


def descendants(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [pid for child in children for pid in descendants(child)]


def test_runs_have_the_same_bits_though_a_worker_is_killed(  # noqa: PLR0917
    client, track_file, settings, executor, write, tmp_path, monkeypatch
):
    path, killed = write(METHOD), []
    quiet = api.ProgressListener(quiet=True, bars=False)
    with Scorer(settings(), quiet, Sandbox(Level.NONE)) as scorer:
        here = scorer.score(path)
    runs_here = _runs(tmp_path / "runs")

    def kill_one(listener) -> None:
        if not killed:
            pid = next(iter(client.run(os.getpid).values()))
            killed.extend(map(os.pidfd_open, [pid, *descendants(pid)]))
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(api.ProgressListener, "advance", kill_one)
    there = api.score(
        path,
        track=str(track_file),
        output=tmp_path / "cluster",
        isolation="none",
        executor=client.scheduler.address,
        progress=False,
    )

    assert there.status == Status.SCORED, there.reason
    assert len(killed) >= 3  # with its template and its evaluator, which end as well
    assert all(select.select([file], [], [], 60)[0] for file in killed)
    runs_there = _runs(tmp_path / "cluster")
    for column in ("seed", "weights_sha256", "forget_accuracy", "test_accuracy"):
        assert runs_there[column].tolist() == runs_here[column].tolist()
    assert there.metrics.score == here.metrics.score
    again = api.score(
        path,
        track=str(track_file),
        output=tmp_path / "cluster",
        isolation="none",
        progress=False,
    )
    assert again == there  # It is stored, wherever it was made.


def _runs(output: Path):
    import pandas as pd  # noqa: PLC0415

    (table,) = output.rglob("models.csv")
    return pd.read_csv(table)
