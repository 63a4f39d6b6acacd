"""Agree with a run that goes on at the same time: meet by a name that both know."""

import secrets
import threading
from dataclasses import replace

import pytest

from harness.run.worker import RunWorker
from harness.sandbox import choose

SOURCE = """
import ctypes, os, socket, time

def unlearning(net, retain, forget, validation):
    libc, kept = ctypes.CDLL(None, use_errno=True), []
    folders = ("/tmp", "/dev/shm", "/var/tmp", os.getcwd())
    attempts = {
        "socket": lambda sock: sock.bind("\\0" + NAME),
        "queue": lambda sock: 1 / (libc.mq_open(b"/" + NAME.encode(), 66, 384, 0) < 0),
        "segment": lambda sock: 1 / (libc.shmget(KEY, 64, 0o3600) < 0),
    }
    for folder in folders:
        attempts[folder] = lambda sock, folder=folder: os.close(
            os.open(f"{folder}/{NAME}", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        )
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for what, attempt in attempts.items():
            sock = socket.socket(socket.AF_UNIX)
            kept.append(sock)
            try:
                attempt(sock)
            except OSError as error:
                if error.errno in (17, 98) and what not in MINE:
                    print("met", what)
                    return net
            except ZeroDivisionError:
                pass
            else:
                MINE.add(what)
        time.sleep(0.02)
        for sock in kept[len(attempts) :]:
            sock.close()
        del kept[len(attempts) :]
    return net
"""


@pytest.mark.claims("traces", "host-sockets")
def test_runs_of_two_workers_find_nothing_of_each_other(lab):
    if not lab.level.means.namespaces:
        pytest.skip("without namespaces runs share /dev/shm and the names of sockets")
    name = secrets.token_hex(8)
    values = {"NAME": name, "KEY": int(name[:7], 16), "MINE": set()}
    said = []
    with RunWorker(lab.folder / "task", lab.spec, choose(lab.level)) as worker:
        labs = [lab, replace(lab, worker=worker)]
        threads = [
            threading.Thread(
                target=lambda one=one: said.append(one.said(SOURCE, **values))
            )
            for one in labs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == ["", ""]


def test_without_a_sandbox_they_meet(unconfined):
    """In one process twice, so that no second worker is needed."""
    name = secrets.token_hex(8)
    source = SOURCE.replace("import ctypes", "NEVER = set()\nimport ctypes")
    source = source.replace("what not in MINE", "what not in NEVER")
    values = {"NAME": name, "KEY": int(name[:7], 16), "MINE": set()}
    source = source.replace('("/tmp", "/dev/shm", "/var/tmp", os.getcwd())', "()")
    # Those would stay behind.
    lines = source.splitlines(keepends=True)
    source = "".join(x for x in lines if '"queue":' not in x and '"segment":' not in x)
    assert unconfined.said(source, **values) == "met socket\n"
