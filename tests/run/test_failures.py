"""How a run can end badly, and that the next run does not notice."""

import os
import signal
from dataclasses import replace

import pytest

from harness.plain_text import LARGEST_OUTPUT
from harness.processes import WorkerDied
from harness.run.messages import Limit, RunRequest
from harness.run.worker import RunWorker
from harness.sandbox import Level, Sandbox
from harness.status import Status


@pytest.fixture(autouse=True)
def _the_next_run_is_well(call_body):
    """Whatever a test's run did, the template goes on."""
    yield
    assert call_body("return net").failure is None


def test_a_template_that_takes_no_request_is_replaced(inputs_folder, spec, monkeypatch):
    monkeypatch.setattr("harness.processes.worker._GRACE_SECONDS", 0.1)
    source = "def unlearning(*loaders): pass\n"
    request = RunRequest("method.py", source, 1)
    with RunWorker(inputs_folder, spec, Sandbox(Level.NONE)) as worker:
        assert worker.run(request).failure is None
        worker._worker.socket.settimeout(0.5)
        os.kill(worker._worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDied):
            worker.run(replace(request, source=source + "#" * (8 << 20)))

        worker.restart()

        assert worker.run(request).failure is None


def test_an_exception_is_an_error_with_the_submissions_own_lines(call):
    source = (
        "def helper(x):\n"
        "    raise ValueError('no more\\nof this')\n"
        "\n"
        "def unlearning(net, retain, forget, validation):\n"
        "    helper(net)\n"
    )

    failure = call(source).failure

    assert failure.status == Status.ERROR
    assert failure.reason == "it raised ValueError: no more."
    lines = [line for line in failure.traceback.splitlines() if "^" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        '  File "method.py", line 5, in unlearning',
        "    helper(net)",
        '  File "method.py", line 2, in helper',
        "    raise ValueError('no more\\nof this')",
        "ValueError: no more",
        "of this",
    ]


def test_an_exception_while_the_file_is_read_is_an_error_too(call):
    failure = call("import nothing_of_that_name\ndef unlearning(*a): pass").failure

    assert failure.status == Status.ERROR
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in (
        failure.reason
    )
    assert 'File "method.py", line 1' in failure.traceback


def test_the_traceback_keeps_torchs_lines_below_the_submissions(call_body):
    failure = call_body("net(torch.zeros(1))").failure

    assert failure.status == Status.ERROR
    lines = failure.traceback.splitlines()
    assert len(lines) <= 20
    assert "call.py" not in failure.traceback


def test_a_long_traceback_keeps_its_end(call):
    source = "def f(n):\n    if n: g(n)\n    raise KeyError('end')\n"
    source += "def g(n): f(n - 1)\ndef unlearning(*a): f(100)\n"

    lines = call(source).failure.traceback.splitlines()

    assert len(lines) <= 20
    assert lines[-1] == "KeyError: 'end'"


def test_a_message_of_a_million_letters_is_told_in_short(call_body):
    failure = call_body("raise RuntimeError('x' * 1_000_000)").failure

    assert failure.status == Status.ERROR
    assert failure.reason.startswith("it raised RuntimeError: xxx")
    assert len(failure.reason) < 1000
    assert len(failure.traceback) < 10_000


@pytest.mark.parametrize(
    "word", ["SystemExit(0)", "KeyboardInterrupt", "BaseException"]
)
def test_every_kind_of_exception_is_an_error(call_body, word):
    failure = call_body(f"raise {word}").failure

    assert failure.status == Status.ERROR
    assert word.partition("(")[0] in failure.reason


def test_control_characters_of_an_error_never_reach_a_terminal(call_body):
    failure = call_body(r"raise ValueError('\x1b[2J\x07\r')").failure

    for text in (failure.reason, failure.traceback):
        assert "\\x1b[2J" in text
        assert not set(text) & set("\x1b\x07\r")


def test_a_torchvision_that_does_not_fit_its_torch_is_no_fault_of_the_author(
    call_body,
):
    body = "raise RuntimeError('operator torchvision::nms does not exist')"

    assert call_body(body).failure.reason == (
        "it raised RuntimeError: operator torchvision::nms does not exist "
        "(torch and torchvision do not fit together: run unlearn-eval doctor)."
    )


@pytest.mark.parametrize("code", [0, 7])
def test_a_process_that_ends_without_weights_is_an_error(call_body, code):
    failure = call_body(f"os._exit({code})").failure

    assert failure.status == Status.ERROR
    assert failure.reason == (
        f"its process ended (exit code {code}) without returning weights."
    )


def test_a_process_that_dies_of_a_signal_is_an_error(call_body):
    failure = call_body(f"os.kill(os.getpid(), {int(signal.SIGSEGV)})").failure

    assert failure.status == Status.ERROR
    assert failure.reason == f"its process died of signal {int(signal.SIGSEGV)}."


def test_a_process_that_is_killed_is_taken_to_be_out_of_memory(call_body):
    failure = call_body("os.kill(os.getpid(), 9)").failure

    assert failure.status == Status.OUT_OF_MEMORY


@pytest.mark.parametrize(
    "body", ["x = torch.zeros(1 << 30)", "x = bytearray(4 << 30)", "raise MemoryError"]
)
def test_asking_for_too_much_memory_is_out_of_memory(call_body, body):
    failure = call_body(body, memory_bytes=1 << 30).failure

    assert failure.status == Status.OUT_OF_MEMORY


def test_a_run_past_its_limit_is_stopped_with_all_its_children(call_body):
    body = (
        "import time\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(1000)\n"
        "print(os.getpid(), child, flush=True)\n"
        "time.sleep(1000)"
    )

    report = call_body(body, limit=Limit(wall_seconds=4))

    assert report.failure.status == Status.TIMEOUT
    assert report.failure.reason == "it was stopped after 4 s, far past its budget."
    pids = [int(word) for word in report.output.split()]
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_that_a_run_starts_outlives_it(call_body):
    body = (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        print(os.getpid(), flush=True)\n"
        "        while True: pass\n"
        "    os._exit(0)\n"
        "os.wait()"
    )

    report = call_body(body)

    assert report.failure is None
    assert not alive(int(report.output))


def test_the_cost_counts_what_children_spend(call_body):
    body = (
        "import time\n"
        "if os.fork() == 0:\n"
        "    while time.process_time() < 0.5: pass\n"
        "    os._exit(0)\n"
        "os.wait()"
    )

    report = call_body(body)

    assert report.usage.cpu_seconds >= 0.5
    assert report.usage.wall_seconds >= 0.5
    assert report.usage.peak_bytes > 1 << 20


def test_the_cost_counts_what_a_detached_grandchild_spent(call_body):
    body = (
        "import time\n"
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        while time.process_time() < 0.5: pass\n"
        "        os.write(w, b'x')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "os.read(r, 1)"
    )

    assert call_body(body).usage.cpu_seconds >= 0.5


def test_what_a_run_prints_is_kept(call_body):
    body = "print('out')\nprint('err', file=sys.stderr)\nos.system('echo shell')"

    assert call_body(body).output.split() == ["out", "err", "shell"]


def test_what_a_failing_run_printed_is_kept_too(call_body):
    assert call_body("print('so far')\nos._exit(1)").output.strip() == "so far"


def test_control_characters_of_the_output_are_escaped(call_body):
    report = call_body(
        r"print('\x1b[31mred\b\x9b', end='', flush=True); os.write(1, b'\xff')"
    )

    assert report.output == "\\x1b[31mred\\x08\\x9b\ufffd"


@pytest.mark.parametrize("word", ["it raised", "\U0001f600"])
def test_a_failure_of_any_letters_comes_through(call_body, word):
    body = f"raise RuntimeError({word!r} * 100_000)"

    assert call_body(body).failure.reason.startswith("it raised RuntimeError: ")


@pytest.mark.parametrize("megabytes", [1, 9])
def test_much_output_keeps_its_beginning_and_its_end(call_body, megabytes):
    body = (
        "print('first')\n"
        f"for _ in range({megabytes}): print('x' * (1 << 20))\n"
        "print('last')"
    )

    output = call_body(body).output

    assert len(output) < LARGEST_OUTPUT + 200
    assert output.startswith("first")
    assert "left out" in output
    assert megabytes > 4 or output.rstrip().endswith("last")
