"""The errors a user can meet: one clear sentence each, with its exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process exit code says (a closed list).

    Attributes
    ----------
    OK
        All that was asked is done and scored.
    OUR_FAILURE
        The harness failed.
    USAGE
        The request cannot be carried out as it stands.
    NOT_SCORED
        Some submission did not score.
    CHECK_FAILED
        A check failed: drift, ``--fail-under``, a checksum.
    INTERRUPTED
        Stopped by the user; run the same command again to resume.
    """

    OK = 0
    OUR_FAILURE = 1
    USAGE = 2
    NOT_SCORED = 3
    CHECK_FAILED = 4
    INTERRUPTED = 130


class UnlearnEvalError(Exception):
    """An error that is told to the user in one sentence, without a traceback.

    Parameters
    ----------
    message : str
        The bad value, the legal ones and the remedy, in one or two sentences.
    """

    exit_code: ExitCode = ExitCode.OUR_FAILURE


class UsageError(UnlearnEvalError):
    """The request cannot be carried out as it stands; the message says what would."""

    exit_code = ExitCode.USAGE


class CheckFailed(UnlearnEvalError):
    """A stored file is not what its checksum, hash or manifest says."""

    exit_code = ExitCode.CHECK_FAILED
