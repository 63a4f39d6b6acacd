"""Return objects that run code where they are unpickled, copied or printed."""

import ast
from pathlib import Path

import harness
from harness.status import Status

SOURCE = """
import os

class Bomb:
    def __reduce__(self):
        return os.system, ("touch " + PATH,)
    def __getattr__(self, name):
        raise RuntimeError(name)
    def __repr__(self):
        os.system("touch " + PATH)
        raise RuntimeError("printed")

def unlearning(net, retain, forget, validation):
    if WRAPPED:
        names = list(net.state_dict())
        net.state_dict = lambda: {name: Bomb() for name in names}
        return net
    return Bomb()
"""
#: Rooms that read what a run, or a process that has its weights, has written.
READING = ("run", "evaluator", "execution", "processes", "sandbox")
#: What a cluster's machines, which trust each other, send each other: a run's files are
#: read on the worker, by the other modules, and nothing of them is passed on unread.
BETWEEN_MACHINES = ("execution/crew.py", "execution/remote.py")
FORBIDDEN = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}


def test_an_object_is_never_carried_out_of_the_run(lab):
    for wrapped in (False, True):
        mark = lab.folder / "exploded"
        report = lab.call(SOURCE, PATH=str(mark), WRAPPED=wrapped)
        assert report.weights is None
        assert report.failure.status in (Status.INVALID, Status.ERROR)
        # The run may not write there, so it would be the harness that has.
        assert not mark.exists()


def test_no_room_that_reads_from_a_run_can_unpickle():
    root = Path(harness.__file__).parent
    files = {room: list((root / room).rglob("*.py")) for room in READING}
    assert all(files.values()), "a room has moved"
    # Within the sandbox, where a submission's own code would be, a checkpoint is read.
    inside = root / "run" / "inside"
    for path in (path for found in files.values() for path in found):
        if path.is_relative_to(inside):
            continue
        if path.relative_to(root).as_posix() in BETWEEN_MACHINES:
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & FORBIDDEN, path
            if isinstance(node, ast.ImportFrom):
                assert node.module not in FORBIDDEN, path
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert (owner, node.attr) != ("torch", "load"), path
                assert (owner, node.attr) != ("np", "load"), path
