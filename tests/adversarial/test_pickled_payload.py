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
FORBIDDEN = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}


def test_an_object_is_never_carried_out_of_the_run(lab):
    for wrapped in (False, True):
        mark = lab.folder / "exploded"
        report = lab.call(SOURCE, PATH=str(mark), WRAPPED=wrapped)
        assert report.weights is None
        assert report.failure.status in (Status.INVALID, Status.ERROR)
        if lab.level == "full":
            assert not mark.exists()
        mark.unlink(missing_ok=True)


def test_no_room_that_reads_from_a_run_can_unpickle():
    root = Path(harness.__file__).parent
    rooms = [root / name for name in ("runner", "evaluator", "processes", "isolation")]
    for path in (path for room in rooms for path in room.rglob("*.py")):
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
