"""Each process takes a GPU of its own, and lets go of it when it ends."""

import os
import time

import pytest
import torch

from harness.execution.remote import Training
from harness.processes import own_gpu as own_gpu_module
from harness.processes.own_gpu import own_gpu
from harness.reference.plan import BuildPlan
from harness.reference.training import _clock, _own_device
from harness.track import find_track


@pytest.fixture(autouse=True)
def another(monkeypatch, tmp_path):
    """A machine of two GPUs; called, this becomes another process there."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,MIG-GPU-ab/0/1")
    monkeypatch.setattr(own_gpu_module.tempfile, "gettempdir", lambda: str(tmp_path))
    processes = []

    def start() -> None:
        processes.append({})
        monkeypatch.setattr(own_gpu_module, "_HELD", processes[-1])

    start()
    yield start
    for held in processes:
        for file in held.values():
            os.close(file)


def test_processes_take_different_ones_and_each_keeps_its_own(another):
    assert own_gpu("cpu") == "cpu"
    assert [own_gpu("cuda"), own_gpu("cuda"), own_gpu("cuda:0")] == ["cuda:0"] * 3
    another()
    assert own_gpu("cuda:0") is None
    assert [own_gpu("cuda"), own_gpu("cuda:1")] == ["cuda:1"] * 2
    another()
    assert own_gpu("cuda") is None


def test_what_a_process_held_is_free_when_it_has_ended(another):
    pid = os.fork()
    if pid == 0:
        os._exit(own_gpu("cuda") != "cuda:0")
    assert os.waitpid(pid, 0)[1] == 0
    assert own_gpu("cuda") == "cuda:0"


def test_a_clusters_worker_that_finds_none_is_refused(another):
    track = find_track("cifar10-fast")
    known = {"data_dir": None, "data_hash": "another", "engine_version": "", "seed": 0}
    work = Training(track=track, **known)
    for _ in range(2):
        own_gpu(track.device)
        another()

    assert work.prepare(1) == (
        "other processes have all its GPUs; start one worker for each"
    )


def test_a_bank_is_built_by_one_process_for_each_gpu(another, monkeypatch):
    chosen = []
    monkeypatch.setattr("torch.cuda.set_device", chosen.append)
    monkeypatch.setattr("harness.reference.training.ask_for_same_bits", lambda: None)
    plan = BuildPlan(track=find_track("cifar10-fast"), n_models=8, jobs=8)

    assert [plan.side_by_side(n) for n in (1, 2, 8)] == [1, 2, 2]
    for _ in range(3):
        assert _own_device(plan.track.device).type == "cuda"
        another()
    assert chosen == [0, 1, 0]  # Whoever finds none shares the first.


def test_training_there_is_timed_once_all_of_it_is_done(monkeypatch):
    awaited = []
    monkeypatch.setattr("torch.cuda.synchronize", awaited.append)
    monkeypatch.setattr("time.perf_counter", lambda: 7.0 * len(awaited))
    device = torch.device("cuda:1")

    assert _clock(device) == 7.0
    assert awaited == [device]
    assert _clock(torch.device("cpu")) <= time.process_time()
