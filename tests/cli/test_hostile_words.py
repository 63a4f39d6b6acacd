"""What a submission prints, raises and calls itself does not steer a terminal."""

import json

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


COMMANDS = """
def unlearning(net, retain, forget, validation):
    print("::error file=SECURITY.md,line=1,title=forged::said by the submission")
    print("   ::add-mask::exit\\n::stop-commands::pause\\n\\t::warning::w")
    print("##[error]old style ##[group]x")
    raise RuntimeError("x\\n::error title=from a traceback::forged\\n##[error]card")
"""


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("command", ["validate", "score"])
def test_no_line_of_a_submission_is_a_command_to_a_runner(
    request, write, command, options
):
    ended = request.getfixturevalue(command)(write(COMMANDS), *options)

    assert ended.code == 3
    texts = [ended.out, ended.err]
    if options:
        texts += strings_of(json.loads(ended.out))
    shown = "\n".join(texts).replace("\u2502", "")
    assert "forged" in shown
    assert "##[" not in shown
    assert not any(line.strip().startswith("::") for line in shown.splitlines())


def strings_of(content):
    if isinstance(content, dict | list):
        inner = content.values() if isinstance(content, dict) else content
        return [text for each in inner for text in strings_of(each)]
    return [content] if isinstance(content, str) else []


def test_the_printed_lines_are_few_and_short(validate, write):
    source = "def unlearning(net, *a):\n    for i in range(5000): print(i, 'x' * 900)\n"

    ended = validate(write(source))

    assert "it printed (the last 20 of " in ended.out
    assert len(ended.out) < 10_000
