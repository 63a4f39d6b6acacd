"""What is no submission, odd names and bombs: each fails by itself, in one sentence."""

import io
import os
import re
import socket
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli.progress import ProgressListener
from harness.errors import UsageError
from harness.metrics.inputs.array_file import read_confidences
from harness.models.weights import WeightSpec
from harness.plain_text import escape_controls, harmless, head_and_tail
from harness.plain_text import spreadsheet_text as cell
from harness.results.store import EXAMPLES, MODELS, read_examples
from harness.results.summary import summary_table
from harness.run.checkpoints.checkpoint_set import Checkpoint, CheckpointSet
from harness.run.entry import find_entries, find_submissions, read_entry
from harness.run.notebooks import python_of
from harness.run.submission import read_submission, submission_name
from harness.status import Status
from tests.typed_results import typed_result

SOUND = "def unlearning(net, retain, forget, validation):\n    return net\n"


def pipe(path):
    os.mkfifo(path)


def listener(path):
    here = Path.cwd()
    os.chdir(path.parent)  # A socket's path is short.
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


def link_to_a_secret(path):
    (path.parent / "secret").write_text("SECRET = 1\n" + SOUND)
    path.symlink_to(path.parent / "secret")


ODD = {
    "broken link": lambda path: path.symlink_to(path.parent / "gone"),
    "link": link_to_a_secret,
    "loop": lambda path: path.symlink_to(path),
    "pipe": pipe,
    "socket": listener,
    "folder": lambda path: path.mkdir(),
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", ODD)
def test_one_odd_file_is_a_row_and_no_end_of_the_others(tmp_path, kind):
    (tmp_path / "good.py").write_text(SOUND)
    ODD[kind](tmp_path / "x.py")

    for given in ([tmp_path], [tmp_path / "good.py", tmp_path / "x.py"]):
        found = {path.name: read_submission(path) for path in find_entries(given)}

        assert found["good.py"].problems == ()
        (problem,) = found["x.py"].problems
        assert problem.startswith("x.py is ")
        assert "SECRET" not in found["x.py"].source


@pytest.mark.parametrize("name", ["...zip", "\x1b]8;;http:x\x07a.py", "a\u202eb.py"])
@pytest.mark.parametrize("act", [lambda p: find_entries([p]), submission_name])
def test_a_name_that_leads_elsewhere_or_hides_is_refused(tmp_path, name, act):
    path = tmp_path / name
    path.write_bytes(b"PK\5\6" + bytes(18))

    with pytest.raises(UsageError, match="rename it"):
        act(path)


@pytest.mark.parametrize("name", ["##[error]x.py", " ::error::x.py", "\x1b[2Jx.py"])
def test_a_name_is_no_command_and_costs_itself_alone(tmp_path, name):
    (tmp_path / name).write_text(SOUND)
    (tmp_path / "good.py").write_text(SOUND)

    odd, good = sorted(map(read_submission, find_submissions([tmp_path])), key=bool_of)

    assert good.problems == ()
    assert re.fullmatch("unnamed-[0-9a-f]{8}", odd.name)
    (problem,) = odd.problems
    assert "rename it" in problem
    assert "##[" not in problem
    assert "\x1b" not in problem
    with pytest.raises(UsageError, match="rename it") as caught:
        find_submissions([tmp_path / name])
    assert "##[" not in escape_controls(str(caught.value))


def bool_of(submission) -> bool:
    return not submission.problems


def test_markup_in_a_name_stays_letters_on_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = ProgressListener(quiet=False, bars=True)
    told.say("[link=http://evil]x[/link] \x1b]8;;http://evil\x07y")
    told.begin("[link=http://evil][bold]x[/link]", 2, 0)
    told.advance()
    told.end()

    shown = capsys.readouterr().err
    assert "\x1b]8" not in shown
    assert "[link=http://evil]" in shown


@pytest.mark.parametrize(
    "line",
    ["::error::x", "   ::stop-commands::x", "\t::add-mask::x", "a\n::set-env name=X::"],
)
def test_no_line_is_a_command_to_a_runner(line):
    for shown in (escape_controls(line), head_and_tail(line.encode())):
        assert not any(x.strip().startswith("::") for x in shown.splitlines())


@pytest.mark.parametrize("pad", range(0, 80, 3))
def test_no_fold_brings_a_command_to_the_front_of_a_line(pad):
    words = "b" * pad + "::error::said by the submission"
    failed = typed_result(status=Status.ERROR, name="x" * (pad % 30) + "::error::y")
    failed = replace(failed, reason=words)

    told = summary_table([failed, failed])

    assert not any(line.strip().startswith("::") for line in told.splitlines())


def test_a_line_of_many_spaces_costs_no_time():
    start = time.process_time()

    python_of("x = (\n" + " " * 200_000 + "a\n" + "a " * 100_000)

    assert time.process_time() - start < 2


@pytest.mark.parametrize("words", ["a ##[error]b", "##vso[task]", "###[group]x"])
def test_old_commands_are_letters_too(words):
    for shown in (escape_controls(words), harmless(words), cell(words)):
        assert "##[" not in shown
        assert "##vso[" not in shown


@pytest.mark.parametrize("code", ["x[::2]", "std::vector", "# heading", "a[1:: 2]"])
def test_code_keeps_its_letters(code):
    assert escape_controls(code) == code


@pytest.mark.parametrize(
    "words",
    [
        "=1+1",
        "x;=1+1;y",
        "x;@SUM(1)",
        "a,-1",
        "a\t=1",
        "x; '=1",
        "x|=1",
        "x;\uff1d1",
        "x:=1+1",
        "a @SUM(1)",
    ],
)
def test_no_part_of_a_cell_is_a_formula(words):
    shown = cell(words)

    for separator in (";", ",", "|", ":", " "):
        for part in shown.split(separator):
            assert not part.strip(' "').startswith(tuple("=+-@\uff1d"))


def test_a_folder_is_all_that_could_be_scored_one_by_one(tmp_path):
    for name in ("a.py", "b.ipynb", "c.zip", "a.ipynb", "_no.py", "notes.txt"):
        (tmp_path / name).write_text(SOUND)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "submission.py").write_text(SOUND)
    (tmp_path / "data").mkdir()

    found = find_submissions([tmp_path])

    assert [path.name for path in found] == ["a.py", "b.ipynb", "c.zip", "sub"]


def test_one_of_many_may_have_the_name_of_a_main_file(tmp_path):
    for name in ("a.py", "submission.py"):
        (tmp_path / name).write_text(SOUND)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "submission.py").symlink_to(tmp_path / "gone")
    (tmp_path / "broken" / "b.py").write_text(SOUND)

    assert len(find_submissions([tmp_path])) == 3
    assert len(find_submissions([tmp_path / "broken"])) == 2
    (tmp_path / "submission.py").write_text("from a import unlearning\n")
    assert find_submissions([tmp_path]) == [tmp_path]


def test_a_zip_that_is_a_link_is_not_followed(tmp_path):
    with zipfile.ZipFile(tmp_path / "private.bin", "w") as archive:
        archive.writestr("submission.py", SOUND)
    (tmp_path / "x.zip").symlink_to(tmp_path / "private.bin")
    spec = WeightSpec.of({"weight": np.zeros(2, np.float32)})

    found = read_entry(tmp_path / "x.zip", 2, spec)

    assert found.problems == (
        "x.zip is a link, which is not followed; give the file itself.",
    )


def test_names_of_checkpoints_are_no_formulas():
    one = Checkpoint(0, "x;=1+1;y/unlearned_checkpoint_0.pth", 1, "0")
    _, text = CheckpointSet("x", Path("x"), (one,)).kept()

    assert ";=" not in text


@pytest.mark.parametrize(
    "source",
    [
        f"def unlearning(net, retain, forget, validation, {'a' * 200_000}): pass",
        f"def unlearning(a, b, c, d, {', '.join(f'p{i}' for i in range(9999))}): pass",
        f"def unlearn_{'a' * 200_000}(a, b, c, d): pass",
        f"import {'a' * 200_000}\n" + SOUND,
        "\n".join(f"import gone{i}" for i in range(10_000)) + "\n" + SOUND,
        f"x = '{'a' * 200_000}",
    ],
    ids=["parameter", "parameters", "candidate", "module", "modules", "syntax"],
)
def test_no_source_makes_a_long_message(tmp_path, source):
    (tmp_path / "x.py").write_text(source)

    problems = read_submission(tmp_path / "x.py").problems

    assert problems
    assert sum(map(len, problems)) < 4000


def test_a_long_name_of_an_array_is_cut(tmp_path):
    np.savez(tmp_path / "x.npz", **{"a" * 60_000: np.ones(2)})

    with pytest.raises(UsageError) as caught:
        read_confidences(tmp_path / "x.npz")
    assert len(str(caught.value)) < 2000


def bomb(method=zipfile.ZIP_DEFLATED):
    """An archive of a few hundred kilobytes that unpacks to 300 megabytes."""
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (1000, 37_500)}
    np.lib.format.write_array_header_1_0(header, shape)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        for name in ("unlearned.npy", "forget_confidence.npy"):
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(header.getvalue())
                for _ in range(150):
                    entry.write(bytes(1_000_000))
    return file.getvalue()


@pytest.fixture(scope="module")
def bombed():
    return bomb()


def test_arrays_that_unpack_to_far_more_are_refused(tmp_path, bombed):
    (tmp_path / "x.npz").write_bytes(bombed)

    with pytest.raises(UsageError, match="unpacks to"):
        read_confidences(tmp_path / "x.npz")


def test_stored_arrays_that_unpack_to_far_more_are_damaged(tmp_path, bombed, runs_csv):
    (tmp_path / MODELS).write_text(runs_csv)
    (tmp_path / EXAMPLES).write_bytes(bombed)

    with pytest.raises(ValueError, match="unpacks to"):
        read_examples(tmp_path)


@pytest.fixture(scope="module")
def runs_csv():
    root = Path(__file__).parents[2] / "submissions" / "leaderboard" / "cifar10-quick"
    return (root / "finetune" / "seed-0" / MODELS).read_text()


def test_of_a_progress_bar_the_last_state_is_kept():
    bar = b"".join(b"\r%3d%%|####|" % i for i in range(101)) + b"\nepoch 1\r\nend\r"

    assert head_and_tail(bar) == "100%|####|\nepoch 1\nend"
