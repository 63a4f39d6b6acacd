"""A run's way onto a GPU, as far as it can be tried without one."""

import json
import os
import subprocess
import sys
import time

import pytest
import torch

from harness.processes import WorkerDied
from harness.run.inputs import RUN_SETS, read_inputs, sets_named, write_inputs
from harness.run.inside import call, gpu, template
from harness.run.messages import BEGUN, FAILURE, RunRequest
from harness.run.worker import RunWorker
from harness.sandbox import Level, Sandbox

SOURCE = """
import time
def unlearning(net, retain, forget, validation):
    time.sleep(1.5)
"""

#: Calls of the driver are counted, and a fork tells whether one of them spoilt it.
PREPARED = """
import json, os, sys
from pathlib import Path
import torch
from harness.run.inputs import read_inputs
from harness.run.inside.call import prepare

calls = []
def counted(name, own):
    def call(*words, **more):
        calls.append(name)
        return own(*words, **more)
    return call

for name in dir(torch._C):
    if name.startswith(("_cuda_", "_accelerator_")) and "BadFork" not in name:
        setattr(torch._C, name, counted(name, getattr(torch._C, name)))
prepare(read_inputs(Path(sys.argv[1])))
ours, theirs = os.pipe()
if os.fork() == 0:
    os.write(theirs, b"%d" % torch.cuda._is_in_bad_fork())
    os._exit(0)
print(json.dumps([calls, os.read(ours, 1).decode()]))
"""


@pytest.fixture(scope="module")
def gpu_inputs(task, split, bank, tmp_path_factory):
    """Inputs of runs on a GPU; nothing of the template asks whether there is one."""
    folder = tmp_path_factory.mktemp("gpu") / "inputs"
    sets = sets_named(split, RUN_SETS)
    write_inputs(folder, task, "cuda", bank.original_weights, sets)
    return folder


def test_a_template_never_touches_the_driver_and_its_forks_may(gpu_inputs):
    words = [sys.executable, "-c", PREPARED, str(gpu_inputs)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout

    assert json.loads(said) == [[], "0"]


def test_what_reaches_for_a_gpu_meanwhile_finds_none_and_afterwards_all_as_before():
    before = torch._C._cuda_getDeviceCount
    with gpu.off_the_gpu():
        assert not torch.cuda.is_available()
        assert torch.accelerator.current_accelerator() is None
        with pytest.raises(RuntimeError, match="where only runs may"):
            torch.zeros(1, device="cuda")
        with pytest.raises(RuntimeError, match="where only runs may"):
            torch.cuda.init()
    assert torch._C._cuda_getDeviceCount is before


def test_a_run_that_does_not_get_there_is_our_failure(gpu_inputs, spec):
    with (
        RunWorker(gpu_inputs, spec, Sandbox(Level.NONE), gpu="0") as worker,
        pytest.raises(WorkerDied, match="could not be started on the GPU: Runtime"),
    ):
        worker.run(RunRequest("method.py", SOURCE, 0))


class Sent:
    """The pipe of a run's result, and what is in it."""

    def __init__(self):
        self.ours, self.theirs = os.pipe()

    def read(self) -> bytes:
        return os.read(self.ours, 1 << 20)


def test_it_says_that_it_begins_once_all_is_there_and_before_the_submission(
    monkeypatch,
):
    order, sent = [], Sent()

    class Prepared:
        class inputs:
            on_gpu = True

        def moved(self):
            order.append("moved")
            return self

    def called(request, prepared):
        assert sent.read() == BEGUN
        order.append("called")
        return b"weights"

    monkeypatch.setattr(template, "call_submission", called)
    monkeypatch.setattr(template, "leave", order.append)
    words = {"filename": "method.py", "source": "", "seed": 0}
    template._run(words, sent.theirs, Prepared())
    assert order == ["moved", "called", 0]
    assert sent.read() == b"Wweights"

    def fail(self):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Prepared, "moved", fail)
    monkeypatch.setattr(template, "leave", sys.exit)
    with pytest.raises(SystemExit):
        template._run(words, sent.theirs, Prepared())
    assert sent.read().startswith(FAILURE + b'{"status": "harness-error"')


def test_the_clock_starts_when_a_run_begins_and_stops_with_its_result(
    inputs_folder, spec, monkeypatch
):
    """A CPU in the place of the GPU, at which a run arrives after a second."""
    with RunWorker(inputs_folder, spec, Sandbox(Level.NONE)) as worker:
        worker._gpu = "0"

        def arrive(result):
            time.sleep(1.0)

        monkeypatch.setattr(worker, "_await_begun", arrive)
        worker._await_ready()
        start = time.monotonic()
        report = worker.run(RunRequest("method.py", SOURCE, 0))
    assert report.weights is not None
    assert report.usage.wall_seconds <= time.monotonic() - start - 1.0
    assert report.usage.wall_seconds >= 0.3


def test_the_network_and_the_sets_move_there_and_workers_keep_the_others(
    inputs_folder,
):
    prepared = call.prepare(read_inputs(inputs_folder))
    device = torch.device("meta")
    network, copies = gpu.on_the_gpu(device, prepared.network, prepared.sets)
    assert {p.device for p in network.parameters()} == {device}
    moved = prepared._replace(network=network, copies=copies)
    (_, retain, *_), _ = call._arguments(moved, as_dicts=False)
    inputs, targets = next(iter(retain))
    assert inputs.device == targets.device == device
    assert retain.dataset._for_workers is prepared.sets["retain"]
