"""What a submission prints, raises and calls itself does not steer a terminal."""

import pytest

ESCAPES = "\x1b[2J\x1b]0;title\x07 50%\rscore 1.0\u202e"
SOURCE = f"""
{ESCAPES!r}
NAME = AUTHORS = URL = {ESCAPES!r}

def unlearning(net, retain, forget, validation):
    print({ESCAPES!r})
    raise ValueError({ESCAPES!r})
"""


@pytest.mark.parametrize("command", ["validate", "score"])
def test_no_escape_of_a_submission_reaches_the_terminal(request, write, command):
    path = write(SOURCE)

    ended = request.getfixturevalue(command)(path)

    shown = ended.out + ended.err
    assert ended.code == 3
    assert "\\x1b[2J" in shown
    assert all(c.isprintable() or c == "\n" for c in shown)
