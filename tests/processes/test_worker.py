"""Worker processes: a clean environment, and a clear word when one dies."""

import json
import os
import select

import pytest

from harness.processes import WorkerProcess
from harness.processes.channel import ChannelClosed, receive_bytes
from harness.processes.worker import worker_environment


@pytest.fixture
def worker_of(tmp_path):
    """Start a worker that runs some code in place of a module of ours."""

    def make(code: str) -> WorkerProcess:
        def wrap(argv):
            return [*argv[: argv.index("-c") + 1], code, *argv[argv.index("-c") + 2 :]]

        return WorkerProcess("harness.errors", [str(tmp_path)], wrap)

    return make


def test_a_worker_that_dies_is_quoted(worker_of):
    with worker_of("raise RuntimeError('the reason')") as worker:
        with pytest.raises(ChannelClosed):
            receive_bytes(worker.socket)

        error = worker.died("the evaluator")

    assert str(error) == ("the evaluator ended unexpectedly: RuntimeError: the reason")


def test_a_worker_that_says_nothing_is_told_as_such(worker_of):
    with worker_of("import os; os._exit(3)") as worker:
        with pytest.raises(ChannelClosed):
            receive_bytes(worker.socket)

        assert "it said nothing" in str(worker.died("it"))


def test_a_torch_without_its_torchvision_is_told_with_the_remedy(worker_of):
    code = "raise RuntimeError('operator torchvision::nms does not exist')"
    with worker_of(code) as worker:
        with pytest.raises(ChannelClosed):
            receive_bytes(worker.socket)

        message = str(worker.died("the evaluator"))

    assert "torch and torchvision do not fit together" in message
    assert "pip install" in message
    assert "torchvision" in message.partition("pip install")[2]


def test_a_gpu_is_counted_in_the_order_in_which_it_was_named(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "as asked")
        assert worker_environment()[name] == "as asked"


def test_nothing_of_the_users_environment_reaches_a_worker(worker_of, monkeypatch):
    for name in ("PYTHONPATH", "LD_PRELOAD", "UNLEARN_EVAL_X", "API_KEY", "OMP_X"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    code = "import json, os, sys; sys.exit(json.dumps(dict(os.environ)))"
    with worker_of(code) as worker:
        with pytest.raises(ChannelClosed):
            receive_bytes(worker.socket)
        words = str(worker.died("it")).partition("unexpectedly: ")[2]

    environment = json.loads(words)
    assert "secret" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PYTHONHASHSEED"] == "0"


def test_the_folder_it_is_started_in_is_no_part_of_its_path(
    worker_of, tmp_path, monkeypatch
):
    (tmp_path / "json.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    with worker_of("import json, sys; sys.exit(json.__name__)") as worker:
        with pytest.raises(ChannelClosed):
            receive_bytes(worker.socket)

        assert str(worker.died("it")).endswith("unexpectedly: json")


def test_killing_ends_the_worker_and_its_children(worker_of):
    code = (
        "import os, socket, sys, time\n"
        "sock = socket.socket(fileno=int(sys.argv[3]))\n"
        "child = os.fork()\n"
        "if child: sock.sendall(b'%08d' % child)\n"
        "while True: time.sleep(60)"
    )
    worker = worker_of(code)
    child = int(worker.socket.recv(8))
    watch = os.pidfd_open(child)

    worker.kill()
    worker.kill()  # Safe to repeat.

    dead, _, _ = select.select([watch], [], [], 20)
    os.close(watch)
    assert dead
