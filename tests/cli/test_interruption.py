"""Stopped at any moment, and run again: nothing is repeated, nothing is left behind."""

import os
import random
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

METHOD = """
import time, torch

def unlearning(net, retain, forget, validation):
    time.sleep(0.2)
    for p in net.parameters():
        p.data += 0.02 * torch.randn_like(p)
"""


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def watched(pids) -> list[int]:
    """Files that become readable when the processes end."""
    files = []
    for pid in pids:
        with suppress(ProcessLookupError):
            files.append(os.pidfd_open(pid))
    return files


def all_end(files, seconds=30) -> bool:
    waiting = set(files)
    while waiting:
        ended, _, _ = select.select(list(waiting), [], [], seconds)
        if not ended:
            return False
        waiting -= set(ended)
    return True


@pytest.fixture
def command(bank, cache, track_file, write, tmp_path):
    """Starts a scoring of six runs in a process of its own."""
    path = write(METHOD, "sleeper.py")
    code = "from harness.cli.entry import main; main()"
    words = f"score {path} --track {track_file} -n 6 -j 2 -o {tmp_path / 'runs'}"
    argv = [sys.executable, "-c", code, *words.split(), "--isolation", "none"]

    def start() -> subprocess.Popen:
        return subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def wait_for(process, pattern: str) -> list[str]:
    """Read stderr up to a line like this."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError("".join(lines))


def test_a_bar_gives_the_cursor_back_when_it_is_interrupted(
    cli, bank, method, track_file, monkeypatch
):
    """As on a terminal: a hidden cursor would stay hidden in the shell."""

    def interrupted(cluster, settings, listener, isolation):
        listener.begin("work", 2, 0)
        raise KeyboardInterrupt

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("harness.cli.score.scorer_on", interrupted)
    where = ("--track", track_file, "-o", method.parent / "runs")

    ended = cli("score", method, *where, "--isolation", "none")

    assert ended.code == 130
    assert "\x1b[?25l" in ended.err  # Hidden,
    assert ended.err.rindex("\x1b[?25h") > ended.err.rindex("\x1b[?25l")  # and back.


def interrupted(*_, **__):
    raise KeyboardInterrupt


KEPT = r"Run the same command again to resume: finished runs are kept\."
ANEW = r"Run the same command again; it begins anew\."
HOW_TO_GO_ON = [
    ("score m.py --isolation none", "score.scorer_on", KEPT),
    ("validate m.py --isolation none", "validate.choose", ANEW),
    ("reference build", "reference.build_bank", KEPT.replace("runs", "models")),
    ("reference verify", "reference.find_largest_bank", ANEW),
    ("leaderboard", "leaderboard.rank_stored", ANEW),
    ("leaderboard --update", "leaderboard.update_board", ANEW),
    ("leaderboard --check", "leaderboard.check_board", ANEW),
    ("leaderboard --rerun all --seed 5", "leaderboard._rerun", KEPT),
    # Another seed would be drawn, and nothing that is kept be found.
    (
        "leaderboard --rerun all",
        "leaderboard._rerun",
        KEPT.replace("again", r"again with --seed \d+"),
    ),
    ("site s", "site.write_site", ANEW),
    ("report m", "report.find_result", ANEW),
    ("compare a b", "compare.find_result", ANEW),
    ("estimate a.npz", "estimate.read_confidences", ANEW),
    ("doctor", "doctor.examine", ANEW),
    ("bundle codabench b --private-split-seed 9", "bundle.write_bundle", ANEW),
    (
        "bundle ingest --data d --submission s --output o",
        "bundle.ingest_submission",
        KEPT,
    ),
    ("bundle rate --reference r --received s --output o", "bundle.rate_result", ANEW),
]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("case", HOW_TO_GO_ON, ids=[each[0] for each in HOW_TO_GO_ON])
def test_each_long_command_says_how_to_go_on(cli, write, monkeypatch, case):
    words, place, told = case
    monkeypatch.chdir(write("def unlearning(net, retain, forget, val): ...").parent)
    Path("method.py").rename("m.py")
    monkeypatch.setattr(f"harness.cli.{place}", interrupted)

    ended = cli(*words.split())

    assert ended.code == 130
    assert re.fullmatch(rf"\s*Interrupted\. {told}\n", ended.err)


def kept(tmp_path) -> int:
    return len(list(tmp_path.rglob("runs/0*.safetensors")))


@pytest.mark.campaign
def test_a_scoring_stopped_again_and_again_ends_with_the_same_bits(
    command, score, tmp_path
):
    moments = random.Random(1)

    with command() as process:
        wait_for(process, r"sleeper: 1 of 6")
        watches = watched(descendants(process.pid))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "Interrupted. Run the same command again to resume: finished runs are kept."
    )
    assert "Traceback" not in err
    assert len(watches) >= 3  # Two templates and an evaluator.
    assert all_end(watches)
    finished = kept(tmp_path)
    assert finished >= 1

    with command() as process:
        wait_for(process, r"sleeper: 6 to do, \d of them done before")
        with suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(3, 6))
        watches = watched(descendants(process.pid))
        process.kill()
        process.communicate()
    assert all_end(watches)
    assert kept(tmp_path) >= finished or kept(tmp_path) == 0

    with command() as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert "╭─ tiny · sleeper" in out
    assert kept(tmp_path) == 0

    (resumed,) = tmp_path.glob("runs/tiny/sleeper/*-n6/examples.npz")
    content = resumed.read_bytes()
    score(tmp_path / "sleeper.py", "-n", 6, "--force")
    assert resumed.read_bytes() == content


def test_before_the_commands_are_loaded_it_ends_with_a_sentence():
    """Loading takes seconds, in which a traceback of some import would be shown."""
    code = (
        "import builtins, os, signal\n"
        "import harness.__main__ as start\n"
        "load = builtins.__import__\n"
        "def stopped(name, *rest):\n"
        "    if name == 'scipy.special':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return load(name, *rest)\n"
        "builtins.__import__ = stopped\n"
        "start.main()\n"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert told.returncode == 130
    assert told.stderr == "Interrupted before anything began.\n"
