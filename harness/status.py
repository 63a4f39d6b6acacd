"""The closed list of what can become of a submission."""

from enum import StrEnum


class Status(StrEnum):
    """Status of a submission or of one run; the same word everywhere.

    Only ``SCORED`` is ranked. Everything else carries a one-sentence reason.
    """

    SCORED = "scored"
    OVER_BUDGET = "over-budget"
    INVALID = "invalid"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    NON_FINITE = "non-finite"
    HARNESS_ERROR = "harness-error"
