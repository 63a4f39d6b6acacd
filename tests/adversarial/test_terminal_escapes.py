"""Print, raise and be called escape sequences, and lines like the harness's own.

That none of it reaches a terminal is tried in ``tests/cli/test_hostile_words.py``.
"""

from harness.run.submission import read_submission

ESCAPES = "\x1b[2J\x1b]0;title\x07 50%\rscore 1.0\u202e"
SHOWN = "\\x1b[2J\\x1b]0;title\\x07 50%\\rscore 1.0\\u202e"
SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    print("\\x1b[2J\\x1b]0;title\\x07 50%\\rscore 1.0")
    print('{"score": 1.0}')
    print("::set-output name=score::1.0")
    os.write(1, b"\\xff\\xfe\\x00\\x9b31m")
    print("\\u202e\\u2028\\u0085")
    return net
"""
#: Escapes in all that is ever shown of a submission: its words, output and traceback.
EVERYWHERE = f"""
{ESCAPES!r}
NAME = AUTHORS = URL = {ESCAPES!r}

def unlearning(net, retain, forget, validation):
    print({ESCAPES!r})
    raise ValueError({ESCAPES!r})
"""


def is_plain(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


def test_control_characters_are_shown_and_not_obeyed(lab):
    """Of a line that is written over, as a progress bar's, the last state stays."""
    output = lab.said(SOURCE)
    assert output.startswith("score 1.0\n")
    printed = lab.said(SOURCE.replace("\\rscore", " score"))
    assert printed.startswith("\\x1b[2J\\x1b]0;title\\x07 50% score 1.0\n")
    assert is_plain(output)


def test_no_printed_line_becomes_part_of_a_result(lab):
    report, silent = lab.call(SOURCE), lab.call(SOURCE.replace("print(", "str("))
    assert report.weights == silent.weights == lab.spec.pack(lab.original)
    assert report.failure is None


def test_what_a_run_raises_is_shown_and_not_obeyed(lab):
    failure = lab.call(EVERYWHERE).failure
    assert SHOWN in failure.reason
    assert SHOWN in failure.traceback
    assert is_plain(failure.reason + failure.traceback)


def test_what_a_file_calls_itself_is_shown_and_not_obeyed(write):
    submission = read_submission(write(EVERYWHERE))
    shown = (submission.title, submission.summary, submission.authors, submission.url)
    for words in shown:
        assert words.startswith("\\x1b[2J\\x1b]0;title\\x07 50%")
        assert words.isprintable()
