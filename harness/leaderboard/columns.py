"""The columns: each is declared once, and CSV, Markdown, terminal and JSON follow.

A column is a field of `Row`. Its declaration says how it is read from a submission's
results, how many digits it has in the CSV file, what people see of it and in which
part of the table.
"""
# A declared column is a field of a dataclass, though ruff cannot see it.
# ruff: noqa: RUF009

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from harness.leaderboard.evidence import Evidence
from harness.leaderboard.stored import StoredResult, figure
from harness.leaderboard.verified import Vouched, awaits_confirmation
from harness.plain_text import harmless, spreadsheet_text
from harness.results.schema import Provenance, Result

T = TypeVar("T")
SCORE_DIGITS = 6
_LONGEST = 300
UNCONFIRMED = (
    "above the ceiling's interval: takes no rank until a private split confirms it"
)
CONFIRMED = "on a private split"


class Role(StrEnum):
    """In which part of the table a row stands (a closed list)."""

    RANKED = "ranked"
    CONTROL = "control"
    UNRANKED = "unranked"


class Measured(NamedTuple):
    """What a row is read from: a submission's replicates, and what arrays say."""

    first: StoredResult
    second: StoredResult | None
    evidence: Evidence
    vouched: Vouched = Vouched()

    @property
    def awaits(self) -> bool:
        """Whether it is too good to be ranked unconfirmed."""
        return awaits_confirmation(self.result) and not self.vouched.confirmed

    @property
    def result(self) -> Result:
        """The first replicate's result."""
        return self.first.result

    @property
    def made(self) -> Provenance:
        """How the first replicate was made."""
        return self.result.provenance


class Shown(NamedTuple):
    """What people see of a column, and in which parts of the table.

    Without a `format` a number is shown as it stands in the CSV file; an interval goes
    on `until` the end in another column; a lower `place` comes further left.
    """

    heading: str
    format: str = ""
    until: str = ""
    parts: tuple[Role, ...] = (Role.RANKED, Role.CONTROL)
    place: int = 0


_HIDDEN = Shown("", parts=())


@dataclass(frozen=True)
class Column:
    """A declared column; see `Row`."""

    name: str
    read: Callable[[Measured], Any] | None
    digits: int | None
    shown: Shown
    private: bool
    is_text: bool

    def cell(self, row: "Row") -> str:
        """Write a row's value as the CSV file has it."""
        value = getattr(row, self.name)
        if value is None:
            return ""
        if self.digits is not None:
            return f"{value:.{self.digits}f}"
        return spreadsheet_text(value) if isinstance(value, str) else str(value)

    def text(self, cells: Mapping[str, str]) -> str:
        """Write what people see, from the cells of the CSV file alone."""
        shown, value = self.shown, cells[self.name]
        if not (shown.format and value):
            return value
        # Not through a float, which may lie on the other side of a half.
        words = format(Decimal(value), shown.format)
        if not shown.until:
            return words
        high = cells[shown.until]
        return f"{words} to {Decimal(high):{shown.format}}" if high else ""


def one_line(words: str) -> str:
    """Return one line without control characters, of bounded length."""
    return harmless(words, _LONGEST)


def _column(
    default: T,
    read: Callable[[Measured], T] | None = None,
    digits: int | None = None,
    shown: Shown = _HIDDEN,
    private: bool = False,
) -> T:
    """Declare a column; what has no `read` is known only once rows are compared."""
    column = Column("", read, digits, shown, private, isinstance(default, str))
    return field(default=default, metadata={"column": column})


def _text(read: Callable[[Measured], str], *parts: Role, heading: str = "") -> str:
    return _column("", read, shown=Shown(heading, parts=parts))


def _figure(
    path: str, digits: int, heading: str = "", form: str = ".4f", until: str = ""
) -> float | None:
    """Declare a column that holds a number of a metric; hidden without a heading."""

    def read(measured: Measured) -> float | None:
        return figure(measured.result, *path.split("."))

    shown = Shown(heading, form, until) if heading else _HIDDEN
    return _column(None, read, digits, shown)


def _role(measured: Measured) -> Role:
    if measured.result.is_reference:
        return Role.CONTROL
    if measured.awaits:
        return Role.UNRANKED
    return Role.RANKED if measured.first.is_ranked else Role.UNRANKED


def _reason(measured: Measured) -> str:
    result = measured.result
    found = result.reason or result.unknown_cost
    return found or (UNCONFIRMED if measured.awaits else "")


def _second(name: str) -> Callable[[Measured], float | None]:
    """Read the second replicate's score of one kind."""

    def read(m: Measured) -> float | None:
        return None if m.second is None else figure(m.second.result, name)

    return read


Number = float | None
Whole = int | None
_SIX = SCORE_DIGITS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; its fields are the columns in their order, and None is an empty cell.

    ``repeat_low`` and ``repeat_high`` bound the score of a second scoring in 95 % of
    the cases; the calibrated score decides ``rank``, the official one
    ``official_rank``, and private columns are of the first; ``flags`` are codes
    separated by spaces; ``shake_up`` is positive when the private split is kinder.
    """

    rank: Whole = _column(None, shown=Shown("rank", parts=(Role.RANKED,)))
    official_rank: Whole = _column(
        None, shown=Shown("official rank", parts=(Role.RANKED,))
    )
    submission: str = _text(lambda m: m.first.name, *Role, heading="submission")
    title: str = _text(lambda m: m.result.about.title)
    status: str = _text(lambda m: str(m.result.status), Role.UNRANKED, heading="status")
    calibrated_score: Number = _figure(
        "calibrated_score.value", _SIX, "calibrated score"
    )
    calibrated_low: Number = _figure(
        "calibrated_score.low", _SIX, "95 % interval", until="calibrated_high"
    )
    calibrated_high: Number = _figure("calibrated_score.high", _SIX)
    calibrated_repeat_low: Number = _figure(
        "calibrated_score.low_repeated",
        _SIX,
        "scored again",
        until="calibrated_repeat_high",
    )
    calibrated_repeat_high: Number = _figure("calibrated_score.high_repeated", _SIX)
    calibrated_share: Number = _figure(
        "calibrated_score.share_of_ceiling", 4, "of ceiling", ".0%"
    )
    score: Number = _figure("score.value", _SIX, "official score")
    score_low: Number = _figure("score.low", _SIX)
    score_high: Number = _figure("score.high", _SIX)
    repeat_low: Number = _figure("score.low_repeated", _SIX)
    repeat_high: Number = _figure("score.high_repeated", _SIX)
    share_of_ceiling: Number = _figure("score.share_of_ceiling", 4)
    calibrated_forgetting_quality: Number = _figure(
        "calibrated_forgetting_quality.value", 6, "calibrated F"
    )
    forgetting_quality: Number = _figure("forgetting_quality.value", 6, "official F")
    ra_ratio: Number = _figure("retain_accuracy.ratio", 4, "RA", ".3f")
    ta_ratio: Number = _figure("test_accuracy.ratio", 4, "TA", ".3f")
    efficiency_ratio: Number = _figure("efficiency.ratio", 4, "cost", ".3f")
    certified_epsilon: Number = _column(
        None, lambda m: m.evidence.certified_epsilon, 4, Shown("certified ε", ".2f")
    )
    n_models: int = _column(0, lambda m: m.result.n_models)
    originals: int = _column(1, lambda m: m.made.originals)
    isolation: str = _text(lambda m: m.made.isolation.level)
    seed: Whole = _column(None, lambda m: m.first.seed)
    calibrated_second_replicate: Number = _column(
        None, _second("calibrated_score"), _SIX, Shown("second", ".4f")
    )
    score_second_replicate: Number = _column(None, _second("score"), _SIX)
    reason: str = _text(
        _reason,
        Role.UNRANKED,
        heading="reason",
    )
    flags: str = _text(
        lambda m: " ".join(str(f.code) for f in m.result.metrics.flags),
        Role.RANKED,
        heading="flags",
    )
    submission_sha256: str = _text(lambda m: m.first.sha256[:12])
    role: Role = _column(Role.UNRANKED, _role)
    track: str = _text(lambda m: str(m.made.track_hash))
    bank: str = _text(lambda m: str(m.made.bank_key))
    run_by: str = _text(lambda m: m.vouched.run_by, Role.RANKED, heading="run by")
    confirmed: str = _text(
        lambda m: CONFIRMED if m.vouched.confirmed else "",
        Role.RANKED,
        heading="confirmed",
    )
    private_score: Number = _column(
        None, None, _SIX, Shown("private score", ".4f", place=-1), private=True
    )
    private_low: Number = _column(
        None,
        None,
        _SIX,
        Shown("private 95 % interval", ".4f", "private_high", place=-1),
        private=True,
    )
    private_high: Number = _column(None, None, _SIX, private=True)
    private_rank: Whole = _column(
        None, shown=Shown("private rank", place=-2), private=True
    )
    shake_up: Whole = _column(
        None, shown=Shown("shake-up", "+.0f", place=-1), private=True
    )

    @property
    def ranked_score(self) -> float | None:
        """The score that decides ranks: the calibrated one, where there is one."""
        return self.score if self.calibrated_score is None else self.calibrated_score

    @property
    def ranked_interval(self) -> tuple[float | None, float | None]:
        """Its interval."""
        if self.calibrated_score is None:
            return self.score_low, self.score_high
        return self.calibrated_low, self.calibrated_high


COLUMNS = tuple(replace(f.metadata["column"], name=f.name) for f in fields(Row))


def columns_of(*, private: bool) -> tuple[Column, ...]:
    """Columns of a table, with or without those of a private split."""
    return tuple(column for column in COLUMNS if private or not column.private)


def row_of(measured: Measured) -> Row:
    """Return the row of a submission, without its rank."""
    return Row(**{c.name: c.read(measured) for c in COLUMNS if c.read is not None})
