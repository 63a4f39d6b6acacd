"""Whatever a submission's file holds, it is read, or its problems are told."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.run.entry import find_submissions
from harness.run.messages import ARGUMENTS
from harness.run.submission import Submission, read_submission
from harness.scoring.verdict import about_submission
from harness.storage.files import to_json

FUZZ = settings.get_profile("fuzz")
SOUND = '''"""Do nothing."""

NAME = "Nothing"
AUTHORS = "nobody"
URL = "https://example.org"


def unlearning(net, retain, forget, validation, *, seed=0):
    return net
'''


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Asserts that a file is read, and that all of it can be kept and shown."""
    path = tmp_path_factory.mktemp("submissions") / "odd.py"

    def check(content: bytes) -> Submission:
        path.write_bytes(content)
        submission = read_submission(path)
        words = [*submission.problems, *vars(about_submission(submission)).values()]
        to_json(words).encode()
        submission.source.encode()
        assert len(submission.sha256) == 64
        for word in map(str, words):
            assert "\n" not in word
            assert all(c.isprintable() for c in word)
            assert len(word) < 5000
        return submission

    return check


def test_the_sound_one_is_read(read):
    assert read(SOUND.encode()).problems == ()


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_told(read, content):
    read(content)


@FUZZ
@given(st.data())
def test_a_damaged_submission_is_read_or_told(read, mutations, data):
    read(data.draw(mutations(SOUND.encode())))


@FUZZ
@given(st.text(max_size=300))
def test_any_text_is_read_or_told(read, source):
    read(source.encode(errors="surrogatepass"))


CONSTANTS = st.sampled_from(
    [
        r"'\ud800'", r"'\x00'", r"'\x1b[31m'", "'\\N{ZERO WIDTH SPACE}'", "b'x'",
        "0x" + "f" * 6000, "1e999", "-1", "None", "...", "True", "1j", "'x' * 9",
        "'" + "x" * 9999 + "'", r"'''\n\n'''", "''", "f'{1}'", "('a', 'b')",
        "1" * 5000, "0b" + "1" * 20_000,
    ]
)  # fmt: skip
NAMES = st.sampled_from(["NAME", "AUTHORS", "URL", "REFERENCE", "unlearning"])


@FUZZ
@given(st.lists(st.tuples(NAMES, CONSTANTS), max_size=5), CONSTANTS, st.booleans())
def test_metadata_of_any_kind_is_read_or_told(read, constants, docstring, sound):
    lines = [docstring, *(f"{name} = {value}" for name, value in constants)]
    read("\n".join([*lines, SOUND if sound else ""]).encode())


PARAMETERS = st.lists(
    st.sampled_from(
        [*ARGUMENTS, "seed", "device", "x", "/", "*", "*a", "**k", "y=1", "y:int"]
    ),
    max_size=7,
)


@FUZZ
@given(PARAMETERS, st.sampled_from(["def", "async def", "class", "lambda"]))
def test_a_signature_of_any_kind_is_read_or_told(read, parameters, kind):
    read(f"{kind} unlearning({', '.join(parameters)}): pass".encode())


@FUZZ
@given(
    st.sampled_from(
        ["(", "[", "{", "-", "not ", "lambda:", "a.", "a=", "if 1:\n ", "f("]
    ),
    st.integers(1, 20_000),
)
def test_any_depth_is_read_or_told(read, opening, depth):
    closing = {"(": ")", "[": "]", "{": "}", "f(": ")"}.get(opening, "")
    read((SOUND + "x = " + opening * depth + "0" + closing * depth).encode())


@pytest.mark.parametrize("name", [b"\xff.py", b"a\x1b[31m.py", b"a\nb.py"])
def test_a_file_whose_name_cannot_be_shown_is_told(tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_text(SOUND)

    with pytest.raises(UsageError, match="rename it") as caught:
        find_submissions([path])
    assert str(caught.value).isprintable()
    (found,) = map(read_submission, find_submissions([tmp_path]))
    assert found.name.isprintable()
    assert "rename it" in found.problems[0]
    assert found.problems[0].isprintable()
