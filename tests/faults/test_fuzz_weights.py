"""Whatever a run or a process writes, it is weights, a failure in words, or an end."""

import json
import socket
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.weights import WeightSpec
from harness.processes.channel import (
    ChannelClosed,
    receive_bytes,
    receive_json,
    receive_json_and_fds,
    send_bytes,
)
from harness.run.messages import FAILURE, WEIGHTS, Usage
from harness.run.worker import RunWorker
from harness.status import Status
from harness.storage.files import to_json

FUZZ = settings.get_profile("fuzz")
ARRAYS = {
    "a.weight": np.arange(6, dtype="<f4").reshape(2, 3),
    "a.running_var": np.ones(3, "<f4"),
    "a.count": np.array(7, "<i8"),
}
SPEC = WeightSpec.of(ARRAYS)
OF_A_RUN = (
    Status.ERROR,
    Status.INVALID,
    Status.OUT_OF_MEMORY,
    Status.NON_FINITE,
)


def checked(content: bytes, exit_code: int = 0):
    """What the harness makes of a run's bytes."""
    worker = SimpleNamespace(_spec=SPEC)
    return RunWorker._checked(worker, content, exit_code, Usage(1.0, 1.0, 1), "")


def assert_sound(report) -> None:
    """Usable weights, or a status that a run may have, in words that can be kept."""
    if report.weights is not None:
        assert SPEC.first_unusable(report.weights) is None
        assert report.failure is None
        return
    failure = report.failure
    assert failure.status in OF_A_RUN
    assert failure.reason
    assert len(failure.reason) <= 4 * 1000
    assert "\n" not in failure.reason
    assert "\x1b" not in failure.reason + failure.traceback
    assert len(failure.traceback) <= 8000
    to_json([failure.reason, failure.traceback]).encode()


@FUZZ
@given(st.binary(max_size=2 * SPEC.n_bytes), st.integers(-64, 255))
def test_any_bytes_of_a_run_are_checked(content, exit_code):
    assert_sound(checked(content, exit_code))


@FUZZ
@given(st.binary(min_size=SPEC.n_bytes, max_size=SPEC.n_bytes))
def test_any_weights_are_taken_bit_for_bit_or_refused(blob):
    report = checked(WEIGHTS + blob)

    assert_sound(report)
    if report.weights is not None:
        assert SPEC.pack(SPEC.unpack(report.weights)) == blob


@FUZZ
@given(st.data())
def test_damaged_weights_are_checked(mutations, data):
    content = data.draw(mutations(WEIGHTS + SPEC.pack(ARRAYS)))

    assert_sound(checked(content))


WORDS = st.text() | st.none() | st.integers()
FORGED = st.fixed_dictionaries(
    {"status": st.sampled_from([*Status, "", "x"]) | WORDS},
    optional={"reason": WORDS, "traceback": WORDS, "more": WORDS},
)


@FUZZ
@given(FORGED | st.lists(WORDS, max_size=3))
def test_any_failure_in_words_is_checked(words):
    assert_sound(checked(FAILURE + json.dumps(words).encode()))


@FUZZ
@given(st.binary(max_size=200) | st.integers(1, 60_000).map(lambda n: b"[" * n))
def test_any_bytes_for_words_are_checked(body):
    assert_sound(checked(FAILURE + body))


@FUZZ
@given(st.binary(max_size=2 * SPEC.n_bytes))
def test_a_specification_unpacks_what_fits_and_refuses_the_rest(blob):
    if len(blob) == SPEC.n_bytes:
        assert SPEC.pack(SPEC.unpack(blob)) == blob
    else:
        with pytest.raises(ValueError, match="bytes of weights"):
            SPEC.unpack(blob)


LENGTHS = st.integers(0, 2**64 - 1) | st.integers(0, 60)


@FUZZ
@given(
    st.sampled_from([receive_bytes, receive_json, receive_json_and_fds]),
    st.binary(max_size=60)
    | st.builds(
        lambda n, body: n.to_bytes(8, "little") + body, LENGTHS, st.binary(max_size=60)
    ),
)
def test_any_frame_is_a_message_or_the_channels_end(receive, content):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content)
        theirs.close()
        arguments = (ours, 2) if receive is receive_json_and_fds else (ours,)
        try:
            receive(*arguments)
        except ChannelClosed as error:
            assert str(error)


@FUZZ
@given(st.binary(max_size=100) | st.integers(1, 60_000).map(lambda n: b"[" * n))
def test_a_whole_message_that_is_no_json_is_the_channels_end(body):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_bytes(theirs, body)
        try:
            receive_json(ours)
        except ChannelClosed as error:
            assert str(error)
