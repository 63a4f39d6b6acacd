"""The supervisor: who is served, who is ended, and what it says of it."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.processes import WorkerDied, WorkerProcess
from harness.processes.channel import ChannelClosed, receive_json, send_json
from harness.run.inputs import RUN_SETS, write_inputs
from harness.sandbox import Level, why_not
from harness.sandbox.child.confinement import Confinement
from harness.sandbox.host.sandbox import Sandbox
from harness.tasks.base import Examples
from harness.tasks.registry import find_task
from harness.track import find_track


@pytest.fixture(params=Level)
def level(request):
    if reason := why_not(request.param):
        pytest.skip(reason)
    return request.param


def template(wrap, task):
    task.mkdir(parents=True, exist_ok=True)
    worker = WorkerProcess("harness.sandbox.child.probe_template", [str(task)], wrap)
    worker.socket.settimeout(60)
    return worker


def ask(worker, request):
    """Send a request; return what the supervisor says and what the run wrote."""
    result, theirs = os.pipe()
    try:
        send_json(worker.socket, request, (theirs, theirs))
        os.close(theirs)
        report = receive_json(worker.socket)
        return report, os.read(result, 1 << 16)
    finally:
        os.close(result)


NO_PROBES = {
    "probes": [],
    "targets": {
        "secret_file": "",
        "secret": "",
        "hidden": [],
        "bystander": 0,
        "port": 0,
        "socket_path": "",
        "abstract_name": "",
        "scratch_bytes": 0,
        "n_tasks": 0,
        "memory_bytes": 0,
    },
}


def test_a_template_serves_one_run_after_another(level, tmp_path):
    task = tmp_path / "task"
    worker = template(lambda argv: Sandbox(level).wrap(argv, task), task)
    try:
        assert receive_json(worker.socket)["ready"]
        for _ in range(3):
            report, content = ask(worker, NO_PROBES)
            assert report["confined"]
            assert report["exit_code"] == 0
            assert json.loads(content) == {}
    finally:
        worker.end()


def test_an_order_to_end_a_run_that_has_ended_is_passed_over(level, tmp_path):
    task = tmp_path / "task"
    worker = template(lambda argv: Sandbox(level).wrap(argv, task), task)
    try:
        receive_json(worker.socket)
        ask(worker, NO_PROBES)
        send_json(worker.socket, {"kill": True})
        report, _ = ask(worker, NO_PROBES)
        assert report["exit_code"] == 0
    finally:
        worker.end()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"scratch": "/there/is/no/such/folder"}, "No such file"),
        ({"scratch_bytes": 1 << 70}, "too large"),
    ],
)
def test_a_template_whose_runs_cannot_be_confined_serves_none(tmp_path, broken, why):
    """Nothing of a stranger runs where a single step of the confining fails."""

    def wrap(argv):
        plan = Confinement.from_json(Sandbox(Level.NONE).wrap(argv, tmp_path / "t")[-1])
        return [*argv, replace(plan, **broken).to_json()]

    worker = template(wrap, tmp_path / "t")
    try:
        with pytest.raises(ChannelClosed):
            receive_json(worker.socket)
        error = worker.died("the template")
        assert isinstance(error, WorkerDied)
        assert "a run could not be confined" in str(error)
        assert why in str(error)
    finally:
        worker.end()


MARK = "76.54321"
HARNESS = """
import sys
from pathlib import Path
from harness.sandbox import choose
from harness.run.messages import RunRequest
from harness.run.worker import RunWorker
from harness.models.weights import WeightSpec
source = '''
import os
def unlearning(net, retain, forget, validation):
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sleep", ["sleep", "MARK"])
            os._exit(0)
    os.write(1, b"started")
    while True:
        pass
'''.replace("MARK", sys.argv[3])
spec = WeightSpec(())
with RunWorker(Path(sys.argv[2]), spec, choose(sys.argv[1])) as worker:
    worker.run(RunRequest("run.py", source, 1))
"""


def sleepers():
    """Processes of the run, once there are two."""
    while True:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == b"sleep" and MARK.encode() in words:
                found.append(int(folder.name))
        if len(found) == 2:
            return found
        time.sleep(0.05)


@pytest.fixture
def task(tmp_path):
    """A task of a handful of made-up images."""
    task = find_task(find_track("cifar10-quick"))
    few = Examples(np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.int64))
    network = task.network(seed=0)
    original = {k: v.numpy().copy() for k, v in network.state_dict().items()}
    sets = dict.fromkeys(RUN_SETS, few)
    write_inputs(tmp_path / "task", task, "cpu", [original], sets)
    return tmp_path / "task"


def test_when_the_harness_is_killed_every_process_of_the_run_ends(level, task):
    harness = subprocess.Popen([sys.executable, "-c", HARNESS, level, str(task), MARK])
    with harness:
        waiting = [os.pidfd_open(pid) for pid in sleepers()]
        harness.kill()
    for pidfd in waiting:
        assert select.select([pidfd], [], [], 30)[0]
        os.close(pidfd)
