"""Banks and runs on a Dask cluster: the same bits, and what is said of them.

Where none is killed, the workers are threads of this process, which speak over TCP as
others do: processes would import torch and Dask anew.
"""

import gc
import os
import select
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness import api
from harness.errors import UsageError
from harness.execution import cluster as cluster_module
from harness.execution import crew as crew_module
from harness.execution import remote
from harness.execution.cluster import Cluster
from harness.reference.build import build_bank
from harness.reference.plan import BuildPlan
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
def client(cache):
    """A client of two workers."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            protocol="tcp://",
            memory_limit=None,
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
        for key in list(remote._ready):
            remote.leave(key)


@pytest.fixture
def killable(cache):
    """A client of two processes, which a nanny starts again when they are killed."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def descendants(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [pid for child in children for pid in descendants(child)]


def test_a_bank_has_the_same_bits_and_goes_on_after_an_interruption(
    client, track, bank, own_cache
):
    plan = BuildPlan(track=track, n_models=2, jobs=1)
    said, steps = [], []

    def build(step) -> object:
        with Cluster(client, said.append) as cluster:
            return build_bank(plan, step, said.append, cluster.trainer(plan))

    def interrupted(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(interrupted)
    built = build(steps.append)

    assert steps in ([1, 2], [2])
    for name, array in vars(bank.retrained.first(2)).items():
        assert np.array_equal(getattr(built.retrained, name), array), name
    for ours, theirs in zip(built.original_weights, bank.original_weights, strict=True):
        assert all(np.array_equal(ours[name], array) for name, array in theirs.items())
    assert built.manifest.arithmetic == bank.manifest.arithmetic
    assert said == []


def test_runs_have_the_same_bits_though_a_worker_is_killed(  # noqa: PLR0917
    killable, track_file, settings, executor, write, tmp_path, monkeypatch
):
    path, killed = write(METHOD), []
    quiet = api.ProgressListener(quiet=True, bars=False)
    with Scorer(settings(), quiet, Sandbox(Level.NONE)) as scorer:
        here = scorer.score(path)
    runs_here = _runs(tmp_path / "runs")

    def kill_one(listener) -> None:
        if not killed:
            pid = next(iter(killable.run(os.getpid).values()))
            killed.extend(map(os.pidfd_open, [pid, *descendants(pid)]))
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(api.ProgressListener, "advance", kill_one)
    there = api.score(
        path,
        track=str(track_file),
        output=tmp_path / "cluster",
        isolation="none",
        executor=killable.scheduler.address,
        progress=False,
    )

    assert there.status == Status.SCORED, there.reason
    assert len(killed) >= 3  # with its template and its evaluator, which end as well
    assert all(select.select([file], [], [], 60)[0] for file in killed)
    runs_there = _runs(tmp_path / "cluster")
    for column in ("seed", "weights_sha256", "forget_accuracy", "test_accuracy"):
        assert runs_there[column].tolist() == runs_here[column].tolist()
    assert there.metrics.score == here.metrics.score
    _assert_held_against_its_machine(there, runs_there)
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


def _assert_held_against_its_machine(result, runs) -> None:
    (machine,) = result.provenance.machines
    assert machine.n_runs == len(runs) == 4
    assert set(runs["machine"]) == {machine.name}
    assert len(machine.retraining_seconds) >= 3
    assert result.provenance.retraining_seconds == machine.retraining_seconds
    assert set(runs["arithmetic"]) == {machine.arithmetic}
    efficiency = result.metrics.efficiency
    ratio = np.median(runs["cpu_seconds"]) / np.median(machine.retraining_seconds)
    assert efficiency.ratio == pytest.approx(ratio)
    assert "1 machine of a cluster took part (a retraining:" in " ".join(
        result.card().replace("│", " ").split()
    )


def test_other_versions_are_refused_in_one_sentence(
    client, track, own_cache, monkeypatch
):
    ours = remote.versions()
    here = {**vars(remote), "versions": lambda: {**ours, "torch": "9.0"}}
    monkeypatch.setattr(crew_module, "remote", SimpleNamespace(**here))
    plan = BuildPlan(track=track, n_models=2, jobs=1)
    said = []

    with pytest.raises(UsageError) as caught, Cluster(client, said.append) as cluster:
        build_bank(plan, lambda done: None, said.append, cluster.trainer(plan))

    reason = f"its torch is {ours['torch']}, and 9.0 is needed"
    assert str(caught.value).startswith("no worker of the cluster can take part; ")
    assert str(caught.value).count(reason) == 2
    assert len(said) == 2
    assert all(line.endswith(f" takes no part: {reason}.") for line in said)


def test_a_worker_of_another_version_lowers_nobodys_isolation(client, monkeypatch):
    """What it offers does not count, and where there is no other it is named."""
    ours = remote.versions()
    skewed = {**vars(remote), "versions": lambda: {**ours, "torch": "9.0"}}
    monkeypatch.setattr(cluster_module, "remote", SimpleNamespace(**skewed))

    with Cluster(client, print) as cluster, pytest.raises(UsageError) as caught:
        cluster.isolation("none")

    for address in client.scheduler_info()["workers"]:
        assert f"{address}: its torch is {ours['torch']}, and 9.0" in str(caught.value)


def test_a_wrong_address_is_one_sentence(cli, track_file, own_cache, monkeypatch):
    monkeypatch.setattr(cluster_module, "_CONNECT_SECONDS", 0.2)
    words = ("reference", "build", "--track", track_file, "--scheduler")

    for address in ("tcp://127.0.0.1:1", "nonsense", "tcp://"):
        ended = cli(*words, address)

        assert ended.code == 2, address
        assert ended.err.startswith(
            f"Error: no Dask scheduler answers at {address!r} ("
        )
        assert ended.err.endswith("printed, such as tcp://node1:8786.\n")
        assert ended.err.count("\n") == 1


def clients() -> set[int]:
    """All clients that there are, by their places in memory."""
    return {id(o) for o in gc.get_objects() if type(o) is distributed.Client}


def test_the_certificates_of_dasks_own_settings_are_used(cache):
    pytest.importorskip("cryptography", reason="comes with moto")
    import dask  # noqa: PLC0415

    keys = distributed.Security.temporary()
    tls = "distributed.comm.tls"
    settings = {
        "distributed.comm.require-encryption": True,
        f"{tls}.ca-file": keys.tls_ca_file,
        f"{tls}.client.cert": keys.tls_client_cert,
        f"{tls}.client.key": keys.tls_client_key,
    }
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tls://",
        security=keys,
        memory_limit=None,
        dashboard_address=":0",
    ) as local:
        address = local.scheduler_address
        assert address.startswith("tls://")
        before = clients()
        with pytest.raises(UsageError, match="no Dask scheduler answers at 'tls"):
            Cluster(address, print)
        # One that is collected while the next one starts would block both.
        assert clients() <= before
        with dask.config.set(settings), Cluster(address, print) as found:
            assert found.isolation("none").level == Level.NONE


def test_without_dask_the_remedy_is_named(cli, track_file, own_cache, monkeypatch):
    monkeypatch.setattr(cluster_module, "find_spec", lambda name: None)

    ended = cli("reference", "build", "--track", track_file, "--scheduler", "tcp://a:1")

    assert ended.code == 2
    assert ended.err == (
        "Error: --scheduler needs Dask's distributed, which is not installed; install "
        "it with: pip install 'unlearn-eval[cluster]'.\n"
    )


def test_jobs_and_a_cluster_exclude_each_other(cli, track_file, own_cache):
    ended = cli(
        "reference", "build", "--track", track_file, "--scheduler", "x", "-j", 2
    )

    assert ended.code == 2
    assert "leave it out, or leave out --scheduler" in ended.err
