"""What a sandbox shows and hides, by looking around inside it."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from harness.processes import WorkerProcess
from harness.processes.channel import receive_json, send_json
from harness.sandbox import Level, Sandbox, choose, why_not
from harness.sandbox.child.confinement import Confinement, FreshUsers
from harness.sandbox.host import sandbox as sandbox_module
from harness.sandbox.host.cgroup import make_leaves, remove_leaf


@pytest.fixture(params=[Level.FULL, Level.PARTIAL])
def level(request):
    if reason := why_not(request.param):
        pytest.skip(reason)
    return request.param


def targets(paths):
    """Targets of the probe `files`, which looks whether folders can be listed."""
    return {
        "secret_file": str(paths[0]),
        "secret": "content",
        "hidden": [str(path) for path in paths[1:]],
        "bystander": 0,
        "port": 0,
        "socket_path": "",
        "abstract_name": "",
        "scratch_bytes": 0,
        "n_tasks": 0,
        "memory_bytes": 0,
    }


def got_through(sandbox, tmp_path, paths, probe="files", readable=()):
    """What a probe gets through to of these, in a run of its own."""
    task = tmp_path / "work" / "task"
    task.mkdir(parents=True, exist_ok=True)
    worker = WorkerProcess(
        "harness.sandbox.child.probe_template",
        [str(task)],
        lambda argv: sandbox.wrap(argv, task, readable=readable),
    )
    result, theirs = os.pipe()
    try:
        worker.socket.settimeout(60)
        receive_json(worker.socket)
        request = {"probes": [probe], "targets": targets(paths)}
        send_json(worker.socket, request, (theirs, theirs))
        assert receive_json(worker.socket)["confined"]
        return json.loads(os.read(result, 1 << 16))[probe]
    finally:
        worker.end()
        os.close(result)
        os.close(theirs)


def let_everybody_pass(folder):
    """Open the way to a folder, as it is where software is installed."""
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder of packages beneath the system's own place for temporary files."""
    folder = tmp_path / "packages"
    (folder / "bank").mkdir(parents=True)
    (folder / "bank" / "model").write_text("content")
    (folder / "module.py").write_text("content")
    let_everybody_pass(folder)
    known = sandbox_module.python_paths
    file, link = tmp_path / "pyvenv.cfg", tmp_path / "packages64"
    file.write_text("content")
    link.symlink_to("packages", target_is_directory=True)
    shown = (*known(), folder, file, link)
    monkeypatch.setattr(sandbox_module, "python_paths", lambda: shown)
    return folder


def test_packages_stay_visible_where_scratch_space_covers_their_place(
    level, tmp_path, package
):
    words = got_through(Sandbox(level), tmp_path, [package / "module.py"])
    assert f"read {package / 'module.py'}" in words
    words = got_through(Sandbox(level), tmp_path, [package.parent / "pyvenv.cfg"])
    assert f"read {package.parent / 'pyvenv.cfg'}" in words


def test_linked_folders_of_packages_stay_links(level, tmp_path, package):
    module = package.parent / "packages64" / "module.py"
    assert f"read {module}" in got_through(Sandbox(level), tmp_path, [module])


def test_what_is_secret_in_a_folder_of_packages_is_not_seen(level, tmp_path, package):
    sandbox = replace(Sandbox(level), secret=(package / "bank",))
    link = package.parent / "packages64"
    paths = [package / "bank" / "model", package / "bank", link / "bank"]
    assert got_through(sandbox, tmp_path, paths) == []
    assert got_through(Sandbox(level), tmp_path, paths) != []


@pytest.mark.usefixtures("needs_full")
def test_a_run_does_not_see_the_cgroup_that_has_counted_the_runs_before(
    tmp_path, monkeypatch
):
    paths = [tmp_path / "nothing"]

    def make(*words):
        leaves = make_leaves(*words)
        paths.extend(leaves.distinct())
        return leaves

    monkeypatch.setattr(sandbox_module, "make_leaves", make)
    assert got_through(Sandbox(Level.FULL), tmp_path, paths) == []
    if len(paths) == 1:
        pytest.skip("this user may not make a cgroup")
    for leaf in paths[1:]:
        remove_leaf(leaf)


def test_a_run_without_a_sandbox_still_has_its_own_folder(tmp_path):
    task = tmp_path / "task"
    task.mkdir()
    plan = Confinement.from_json(Sandbox(Level.NONE).wrap(["template"], task)[-1])
    assert not (plan.namespaces or plan.landlock or plan.filtered)
    assert Path(plan.scratch).parent == tmp_path
    assert Path(plan.scratch).stat().st_mode & 0o777 == 0o700


def test_a_confinement_is_read_as_it_was_written():
    plan = Confinement(True, False, True, "/tmp", 1 << 20, 9, readable=("/a", "/b"))
    assert Confinement.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("gpu", [False, True])
def test_devices_of_the_gpu_are_given_where_they_are_asked_for(level, tmp_path, gpu):
    task = tmp_path / "task"
    task.mkdir()
    words = Sandbox(level).wrap([], task, gpu=gpu)
    assert Confinement.from_json(words[-1]).gpu is gpu


@pytest.fixture
def nets(tmp_path):
    """A user's package beside a private file of the same words."""
    package = tmp_path / "project" / "my_package"
    (package / "bank").mkdir(parents=True)
    for file in (package / "nets.py", package / "bank" / "model"):
        file.write_text("content")
    (package.parent / "private").write_text("content")
    let_everybody_pass(package)
    return package


def test_a_users_package_is_shown_where_it_lies_and_nothing_beside_it(
    level, tmp_path, nets
):
    sandbox, file, private = Sandbox(level), nets / "nets.py", nets.parent / "private"
    shown = got_through(sandbox, tmp_path, [file], readable=[nets])
    assert f"read {file}" in shown
    assert f"read {file}" not in got_through(sandbox, tmp_path, [file])
    beside = got_through(sandbox, tmp_path, [private], readable=[nets])
    assert f"read {private}" not in beside


def test_a_users_package_is_found_by_its_link_too(level, tmp_path, nets):
    link = tmp_path / "linked"
    link.symlink_to(nets, target_is_directory=True)
    file = link / "nets.py"
    words = got_through(Sandbox(level), tmp_path, [file], readable=[link])
    assert f"read {file}" in words


def test_a_users_package_does_not_show_what_is_secret_in_it(level, tmp_path, nets):
    file = nets / "bank" / "model"
    for secret, seen in (((nets / "bank",), False), ((), True)):
        sandbox = Sandbox(level, secret=secret)
        words = got_through(sandbox, tmp_path, [file], readable=[nets])
        assert (f"read {file}" in words) is seen


def test_a_users_package_cannot_be_changed(level, tmp_path, nets):
    words = got_through(
        Sandbox(level), tmp_path, [nets / "nets.py"], "read-only", readable=[nets]
    )
    assert words == []
    assert (nets / "nets.py").read_text() == "content"
    assert sorted(path.name for path in nets.iterdir()) == ["bank", "nets.py"]


def test_a_fresh_user_has_no_account():
    users = {FreshUsers().draw() for _ in range(50)}
    mapped = Path("/proc/self/uid_map").read_text().split()
    if int(mapped[2]) < 1 << 31:
        assert users == {int(mapped[0]) + int(mapped[2]) - 1}
    else:
        assert len(users) == 50
        assert all(1 << 30 <= user < 1 << 31 for user in users)


def test_a_template_outlives_the_thread_that_asked_for_it(tmp_path):
    """bubblewrap dies with the thread that started it, not with the process."""
    sandbox = choose("auto")
    task = tmp_path / "task"
    task.mkdir()
    workers = []

    def start():
        workers.append(
            WorkerProcess(
                "harness.sandbox.child.probe_template",
                [str(task)],
                lambda argv: sandbox.wrap(argv, task),
            )
        )

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    (worker,) = workers
    worker.socket.settimeout(60)
    try:
        assert receive_json(worker.socket)["ready"]
        worker.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            worker.socket.recv(1, socket.MSG_PEEK)
    finally:
        worker.end()


HARNESS = """
import os, sys, time
from pathlib import Path
from harness.sandbox import choose
from harness.processes import WorkerProcess
from harness.processes.channel import receive_json
sandbox, task = choose(sys.argv[1]), Path(sys.argv[2])
worker = WorkerProcess(
    "harness.sandbox.child.probe_template", [str(task)], lambda a: sandbox.wrap(a, task)
)
receive_json(worker.socket)
print(worker.pid, flush=True)
time.sleep(60)
"""


def test_a_template_ends_with_its_harness_however_that_ends(level, tmp_path):
    task = tmp_path / "task"
    task.mkdir()
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, level, str(task)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with harness:
        template = int(harness.stdout.readline())
        waiting = os.pidfd_open(template)
        harness.kill()
    assert select.select([waiting], [], [], 20)[0]
    os.close(waiting)
