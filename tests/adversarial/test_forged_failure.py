"""Report a status of one's own choosing instead of failing."""

import json

import pytest

from harness.status import Status

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    os.write(3, b"E" + WORDS)
    os._exit(0)
"""


@pytest.mark.parametrize(
    "status", ["scored", "skipped", "harness-error", "over-budget"]
)
def test_a_run_cannot_choose_a_status_that_is_the_harness_to_give(lab, status):
    words = json.dumps({"status": status, "reason": "all is well", "traceback": ""})
    failure = lab.call(SOURCE, WORDS=words.encode()).failure
    assert failure.status is Status.ERROR
    assert "all is well" not in failure.reason


@pytest.mark.parametrize(
    "words", [b"", b"{", b"[" * 60_000, b'"x"', b"null", b"\xff\xfe", b'{"status": 3}']
)
def test_words_that_are_no_failure_are_an_error(lab, words):
    assert lab.call(SOURCE, WORDS=words).failure.status is Status.ERROR


def test_the_words_of_a_failure_are_cut_and_escaped(lab):
    words = {"status": "error", "reason": "\x1b[2J\r" + "x" * 5000, "traceback": "\a"}
    failure = lab.call(SOURCE, WORDS=json.dumps(words).encode()).failure
    assert failure.reason.startswith("\\x1b[2J\\r")
    assert len(failure.reason) <= 1000
    assert failure.traceback == "\\x07"
