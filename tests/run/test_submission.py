"""What is wrong with a submission's file is seen without running it, all at once."""

import os

import pytest

from harness.errors import UsageError
from harness.run.entry import find_submissions
from harness.run.source import LARGEST_SOURCE
from harness.run.submission import read_submission
from harness.storage.shipped import shipped_submissions

GOOD = '''"""Do nothing. Slowly.

More words.
"""
NAME = "Nothing"
AUTHORS = "A. Nobody"
URL = "https://example.org"


def unlearning(net, retain, forget, validation):
    return net
'''


@pytest.fixture
def problems(write):
    return lambda source: read_submission(write(source)).problems


def test_what_a_file_says_about_itself_is_read_without_running_it(write):
    submission = read_submission(
        write("raise SystemExit\n" + GOOD[GOOD.index("NAME") :])
    )

    assert submission.problems == ()
    assert (submission.name, submission.title) == ("method", "Nothing")
    assert submission.authors == "A. Nobody"
    assert submission.url == "https://example.org"


def test_the_summary_is_the_docstrings_first_line(write):
    assert read_submission(write(GOOD)).summary == "Do nothing. Slowly."


def test_a_file_without_words_about_itself_has_empty_ones(write):
    submission = read_submission(write(GOOD[GOOD.index("def") :]))

    assert submission.problems == ()
    assert (submission.title, submission.summary, submission.authors) == ("", "", "")
    assert not submission.is_reference


def test_only_the_packages_own_control_is_a_reference(write, tmp_path):
    shipped = (shipped_submissions() / "retrain.py").read_text()
    (tmp_path / "retrain.py").write_text(shipped)

    assert read_submission(tmp_path / "retrain.py").is_reference
    (tmp_path / "retrain.py").write_text(shipped + "\n")
    assert not read_submission(tmp_path / "retrain.py").is_reference
    (tmp_path / "mine.py").write_text(shipped)
    assert not read_submission(tmp_path / "mine.py").is_reference
    assert not read_submission(write("REFERENCE = True\n" + GOOD)).is_reference


@pytest.mark.parametrize("key", ["NAME", "AUTHORS", "URL"])
def test_control_characters_in_a_files_words_never_reach_a_terminal(write, key):
    words = f'{key} = "\\x1b[2Jred\\r\\n!"\n' + GOOD[GOOD.index("def") :]

    submission = read_submission(write(words))

    shown = submission.title + submission.authors + submission.url
    assert shown == "\\x1b[2Jred !"


@pytest.mark.parametrize(
    "source",
    [
        "def unlearning(a, b, c, d): pass",
        "def unlearning(net, retain, forget, validation, seed): pass",
        "def unlearning(net, retain, forget, validation, *, device, recipe): pass",
        "def unlearning(net, retain, forget, validation, mine=3): pass",
        "def unlearning(net, retain, forget, validation, *, mine=3): pass",
        "def unlearning(*args): pass",
        "def unlearning(*args, **options): pass",
        "def unlearning(net, retain, forget, validation, **options): pass",
        "unlearning = lambda *args: None",
        "from method import unlearning",
        "from method import f as unlearning",
        "from method import *",
        "if True:\n    def unlearning(a, b, c, d): pass",
    ],
)
def test_every_way_to_keep_to_the_contract_is_accepted(problems, source):
    assert problems(source) == ()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (
            "x = 1",
            (
                "method.py defines no function unlearning; it needs "
                "def unlearning(net, retain, forget, validation).",
            ),
        ),
        ("", ("method.py defines no function unlearning",)),
        (
            "def unlearning(net, retain): pass",
            (
                "method.py, line 1: unlearning takes 2 arguments; it is called with "
                "four: net, retain, forget, validation.",
            ),
        ),
        (
            "\ndef unlearning(net, retain, forget, validation, epochs): pass",
            (
                "method.py, line 2: unlearning requires epochs, which nobody passes; "
                "after the four it may name seed, device, budget_seconds, recipe.",
            ),
        ),
        (
            "def unlearning(a, b, c, d, *, lr): pass",
            ("method.py, line 1: unlearning requires lr,",),
        ),
        (
            "async def unlearning(a, b, c, d): pass",
            ("method.py, line 1: unlearning must be an ordinary function, not async.",),
        ),
        ("def f(:\n", ("method.py, line 1: syntax error: ",)),
        ("x = 1\n  y = 2\n", ("method.py, line 2: syntax error: unexpected indent.",)),
    ],
)
def test_each_breach_of_the_contract_is_a_sentence(problems, source, wanted):
    found = problems(source)

    assert len(found) == len(wanted)
    for problem, start in zip(found, wanted, strict=True):
        assert problem.startswith(start)
        assert problem.endswith(".")


def test_all_breaches_are_told_at_once(problems):
    found = problems("async def unlearning(net, retain, *, lr, momentum): pass")

    assert len(found) == 3
    assert "lr, momentum" in found[2]


def test_a_seed_that_can_only_be_passed_by_place_is_refused(problems):
    """Optional arguments are passed by name."""
    found = problems("def unlearning(a, b, c, d, seed, /): pass")

    assert "requires seed" in found[0]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00d", GOOD.encode("utf-16"), b"NAME = '\xe9'\n"]
)
def test_a_file_that_is_not_utf8_is_refused(tmp_path, content):
    (tmp_path / "method.py").write_bytes(content)

    found = read_submission(tmp_path / "method.py").problems

    assert found == ("method.py is not UTF-8 text.",)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "method.py").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert read_submission(tmp_path / "method.py").problems == ()


def test_a_null_byte_is_a_problem_not_a_crash(tmp_path):
    (tmp_path / "method.py").write_bytes(GOOD.encode() + b"\0")

    assert len(read_submission(tmp_path / "method.py").problems) == 1


def test_code_nested_too_deeply_to_parse_is_a_problem_not_a_crash(problems):
    assert len(problems("x = " + "(" * 5000 + ")" * 5000)) == 1


def test_a_file_too_large_is_refused_unparsed(write):
    submission = read_submission(write(GOOD + "#" * LARGEST_SOURCE))

    assert submission.problems == (
        "method.py has 257 KiB; a submission has at most 256 KiB.",
    )
    assert submission.source == ""


def test_of_a_huge_file_no_more_is_read_than_is_allowed(tmp_path):
    path = tmp_path / "method.py"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # A terabyte that no disk and no memory holds.

    (problem,) = read_submission(path).problems

    assert problem.startswith("method.py has 1073741824 KiB; a submission has at most")


def test_a_file_of_a_megabyte_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "method.py").write_bytes(b"#" * (1 << 20))

    assert read_submission(tmp_path / "method.py").problems == (
        "method.py has 1024 KiB; a submission has at most 256 KiB.",
    )


def test_a_pipe_with_a_submissions_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "method.py")

    assert read_submission(tmp_path / "method.py").problems == (
        "method.py is no plain file.",
    )


def test_an_odd_escape_in_a_string_is_no_problem(problems):
    assert problems("x = '\\d'\n" + GOOD) == ()


def test_a_missing_file_is_the_users_mistake(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        read_submission(tmp_path / "gone.py")


def test_submissions_are_found_in_files_and_folders_in_order(tmp_path):
    for name in ("b.py", "a.py", "_helper.py", "._a.py", "notes.txt"):
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.py").write_text(GOOD)

    found = find_submissions([tmp_path, tmp_path / "deeper" / "c.py"])

    assert [path.name for path in found] == ["a.py", "b.py", "c.py"]


def test_a_file_given_twice_is_found_once(tmp_path):
    (tmp_path / "a.py").write_text(GOOD)

    assert len(find_submissions([tmp_path, tmp_path / "a.py"])) == 1


def test_two_submissions_of_one_name_are_refused(tmp_path):
    (tmp_path / "x").mkdir()
    for folder in (tmp_path, tmp_path / "x"):
        (folder / "a.py").write_text(GOOD)

    with pytest.raises(UsageError, match="have the same name, a; rename one"):
        find_submissions([tmp_path, tmp_path / "x"])


def test_two_files_of_one_name_in_different_folders_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.py").write_text(GOOD)
    both = [tmp_path / "a" / "x.py", tmp_path / "b" / "x.py"]

    with pytest.raises(UsageError) as caught:
        find_submissions(both)

    assert str(caught.value) == (
        f"{both[0]} and {both[1]} have the same name, x; rename one."
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.py", "there is no file .*gone.py; give a submission's .py file"),
        (
            "notes.txt",
            "notes.txt is no submission; it must be a .py file, a notebook, a",
        ),
        ("_helper.py", "_helper.py is no submission: its name starts with _"),
        (".hidden.py", ".hidden.py is no submission: its name starts with \\."),
        ("empty", "the folder .*empty holds no submission; write one with: "),
    ],
)
def test_a_path_without_a_submission_is_refused(tmp_path, name, message):
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "_helper.py").write_text(GOOD)
    (tmp_path / ".hidden.py").write_text(GOOD)
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match=message):
        find_submissions([tmp_path / name])
