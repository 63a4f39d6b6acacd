"""Notebooks, and folders and zips of several files, become one source."""

import json
import os
import zipfile

import pytest

from harness.run.entry import find_entries
from harness.run.notebooks import LARGEST_NOTEBOOK
from harness.run.sections import join, split
from harness.run.submission import read_submission
from harness.status import Status

CELLS = (
    "%pip install tqdm\nimport torch, copy",
    "NAME = 'Mine'\nNOISE = 0.1",
    "def helper(p):\n    return NOISE * torch.randn_like(p)",
    "raise RuntimeError('never run')",
    "def unlearning(net, retain, forget, val):\n"
    "    for sample in retain:\n"
    "        assert sample['image'].shape[0] == sample['age_group'].shape[0]\n"
    "    for p in net.parameters():\n        p.data += helper(p)\n    print('done')",
)


def notebook(*cells: str) -> str:
    """A notebook of format 4, with a plot among its outputs."""
    found = [{"cell_type": "markdown", "source": ["# Title"]}]
    for cell in cells:
        lines = cell.splitlines(keepends=True)
        output = {"output_type": "display_data", "data": {"image/png": "iVBOR"}}
        found.append({"cell_type": "code", "source": lines, "outputs": [output]})
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": found})


def test_a_notebook_is_read_and_runs(write, call):
    submission = read_submission(write(notebook(*CELLS), "mine.ipynb"))

    assert (submission.name, submission.title) == ("mine", "Mine")
    assert submission.problems == ()
    assert submission.notes == (
        "mine.ipynb: unlearning is defined in code cell 5; with it goes what it needs "
        "of code cells 1, 2 and 3.",
    )
    assert "never run" not in submission.source
    report = call(submission.source)
    assert report.failure is None, report.failure
    assert report.output == "done\n"


def test_a_notebook_of_format_3_is_one(write):
    cells = [{"cell_type": "code", "input": cell} for cell in CELLS]
    content = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]})

    assert read_submission(write(content, "old.ipynb")).title == "Mine"


def test_what_a_notebook_lacks_is_told(write):
    lost = notebook("x = (", "def unlearning(net, a, b, c):\n    return gone(net)")
    missing = notebook("def my_unlearning(net, retain, forget, val): pass")

    assert read_submission(write(lost, "a.ipynb")).notes[1:] == (
        "a.ipynb: code cell 1 cannot be read as Python and left out.",
        "a.ipynb: nothing in it defines gone.",
    )
    (problem,) = read_submission(write(missing, "b.ipynb")).problems
    assert "b.ipynb defines no function unlearning" in problem
    assert "It defines my_unlearning(): rename it" in problem


@pytest.mark.parametrize(
    "content",
    [
        "x",
        "[" * 200_000,
        '{"cells": 3}',
        '{"cells": [{"cell_type": "code", "source": 3}]}',
        '{"cells": [{"cell_type": "code", "source": "\\ud800"}]}',
        '{"cells": [{"cell_type": "code"}], "x": ' + "9" * 9000 + "}",
        "[]",
        "null",
    ],
)
def test_an_unsound_notebook_is_one_sentence(write, content):
    (problem,) = read_submission(write(content, "odd.ipynb")).problems

    assert problem.startswith("odd.ipynb is no sound notebook: ")
    assert "\n" not in problem


def test_a_notebook_of_much_code_is_not_taken_apart(write):
    (problem,) = read_submission(
        write(notebook("#" * (1 << 18) + "x"), "n.ipynb")
    ).problems

    assert problem == "n.ipynb has more than 256 KiB of code."


def test_a_huge_notebook_and_a_link_to_one_are_not_read(write, tmp_path):
    path = write("", "huge.ipynb")
    with path.open("wb") as file:
        file.truncate(LARGEST_NOTEBOOK + 1)
    (tmp_path / "link.ipynb").symlink_to(write(notebook(*CELLS), "mine.ipynb"))

    (problem,) = read_submission(path).problems
    assert "a notebook (clear its outputs) has at most 8192 KiB" in problem
    (problem,) = read_submission(tmp_path / "link.ipynb").problems
    assert "link.ipynb is a link, which is not followed" in problem


FILES = {
    "submission.py": "from helper import word\nfrom nets.part import tell\n"
    "from .nets.deeper.x import more\n"
    "def unlearning(net, retain, forget, validation):\n    tell(word * more)\n",
    "helper.py": "word = 'hi'\r\n",
    "nets/part.py": "def tell(word):\n    print(word, __name__)\n",
    "notes.txt": "no Python",
    "nets/deeper/x.py": "more = 1",
    "__pycache__/helper.cpython-311.pyc": "",
}


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "mine"


@pytest.mark.parametrize("top", ["", "mine-main/"])
def test_a_folder_and_its_zip_are_the_same_submission(folder, tmp_path, call, top):
    files = {f"{top}{name}": text for name, text in FILES.items()}
    packed = zipped(tmp_path / "mine.zip", files)

    submission, same = read_submission(folder), read_submission(packed)

    assert find_entries([folder]) == [folder]
    assert find_entries([packed]) == [packed]
    assert submission.problems == same.problems == ()
    assert submission.notes == (
        "mine: with submission.py goes helper.py, nets/deeper/x.py, nets/part.py.",
        "mine: no Python module, and left out: notes.txt.",
    )
    assert submission.sha256 == same.sha256
    report = call(submission.source)
    assert report.failure is None, report.failure
    assert report.output == "hi nets.part\n"


@pytest.mark.parametrize("as_zip", [False, True])
def test_a_folder_may_have_its_function_in_a_notebook(tmp_path, call, as_zip):
    cell = "from helper import word\ndef unlearning(net, a, b, c):\n    print(word)"
    files = {"submission.ipynb": notebook(cell), "helper.py": "word = 'hi'"}
    path = tmp_path / "mine"
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    if as_zip:
        path = zipped(tmp_path / "mine.zip", files)

    assert find_entries([path]) == [path]
    submission = read_submission(path)

    assert submission.problems == ()
    assert submission.notes[1:] == (f"{path.name}: with submission.py goes helper.py.",)
    assert call(submission.source).output == "hi\n"


def test_a_folder_of_very_many_files_is_refused_soon(folder, monkeypatch):
    monkeypatch.setattr("harness.storage.containers._MOST_FILES", 3)

    (problem,) = read_submission(folder).problems

    assert problem == (
        "mine holds more than 3 files; give a folder that holds a submission alone."
    )


def test_the_stored_source_is_a_submission_of_the_same_hash(folder, write):
    submission = read_submission(folder)

    stored = read_submission(write(submission.kept()[1], "mine.py"))

    assert stored.problems == ()
    assert stored.sha256 == submission.sha256


def test_files_are_parted_where_they_were_joined():
    modules = {"a.py": "x = 1", "b/c.py": "y = '''\n# ==== file: ../z.py ====\n'''\n"}

    found, main = split(join(modules, "z = 1\n"))

    assert {name: text.rstrip("\n") for name, text in found.items()} == {
        name: text.rstrip("\n") for name, text in modules.items()
    }
    assert main == "z = 1\n"
    assert split("z = 1\n") == ({}, "z = 1\n")


def test_a_traceback_shows_the_lines_of_the_file_it_is_of(call):
    source = join({"helper.py": "x = 1\n\n\ndef f():\n    1 / 0\n"}, FAILING)

    report = call(source)

    assert report.failure.status == Status.ERROR
    assert 'helper.py", line 5, in f' in report.failure.traceback
    assert "helper.f()" in report.failure.traceback


FAILING = "import helper\ndef unlearning(*a):\n    helper.f()\n"


def test_a_modules_fault_is_seen_without_running_it(folder):
    (folder / "helper.py").write_text("def f(:\n")

    (problem,) = read_submission(folder).problems

    assert problem.startswith("helper.py, line 1: syntax error")


@pytest.mark.parametrize("kind", ["link", "pipe", "large", "many", "binary"])
def test_a_folder_with_something_odd_is_refused_in_one_sentence(folder, kind):
    path = folder / "odd.py"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        path.write_text("#" * 200_000)
        (folder / "odd2.py").write_text("#" * 200_000)
    elif kind == "many":
        for n in range(101):
            (folder / f"m{n}.py").write_text("")
    else:
        path.write_bytes(b"\xff\xfe")

    submission = read_submission(folder)

    assert submission.source == ""
    (problem,) = submission.problems
    wanted = {"link": "is a link", "pipe": "is no plain file", "binary": "not UTF-8"}
    assert wanted.get(kind, "a submission has at most 100 of 256 KiB") in problem


@pytest.mark.parametrize("name", ["../out.py", "/abs.py", "C:/x.py"])
def test_a_zip_that_leads_outside_is_refused(tmp_path, name):
    path = zipped(tmp_path / "mine.zip", {**FILES, name: "x = 1"})

    (problem,) = read_submission(path).problems

    assert "path outside it" in problem


def test_a_zip_that_unpacks_to_far_more_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", FILES["submission.py"])
        archive.writestr("big.py", b"#" * (1 << 26))

    (problem,) = read_submission(tmp_path / "m.zip").problems

    assert "big.py unpacks to 67.1 MB; a submission has at most 0.3 MB" in problem
