"""The columns: each is declared once, and CSV, Markdown, terminal and JSON follow.

A column is a field of `Row`. Its declaration says how it is read from a submission's
results, how many digits it has in the CSV file, what people see of it and in which
part of the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from harness.leaderboard import reading
from harness.leaderboard.evidence import Evidence
from harness.leaderboard.replicates import Replicates
from harness.plain_text import harmless

T = TypeVar("T")
SCORE_DIGITS = 6
_LONGEST = 300
#: A cell that begins so is a formula to a spreadsheet; also in their full-width forms.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


class Role(StrEnum):
    """In which part of the table a row stands (a closed list)."""

    RANKED = "ranked"
    CONTROL = "control"
    UNRANKED = "unranked"


class Measured(NamedTuple):
    """What a row is read from: a submission's results, and what their arrays say."""

    results: Replicates
    evidence: Evidence

    def figure(self, metric: str, name: str = "value") -> float | None:
        """Read a number of the first replicate."""
        return reading.figure(self.results.first.result, metric, name)

    @property
    def provenance(self) -> reading.Provenance:
        """How the first replicate was made."""
        return reading.provenance(self.results.first.result)


_SCORED = (Role.RANKED, Role.CONTROL)


class Shown(NamedTuple):
    """What people see of a column.

    Attributes
    ----------
    heading : str
    format : str
        Of a number; without one it is shown as it stands in the CSV file.
    until : str
        The column with the upper end of an interval that begins here.
    parts : tuple of Role
        Where it is shown.
    place : int
        A lower one comes further left; columns of one place keep their order.
    """

    heading: str
    format: str = ""
    until: str = ""
    parts: tuple[Role, ...] = _SCORED
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


def spreadsheet_text(words: str) -> str:
    """Return one line that no spreadsheet takes for a formula."""
    line = one_line(words)
    return f"'{line}" if line.startswith(tuple(_FORMULA)) else line


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


def _metric(metric: str, name: str = "value") -> Callable[[Measured], float | None]:
    return lambda measured: measured.figure(metric, name)


def _role(measured: Measured) -> Role:
    first = measured.results.first
    if first.result.is_reference:
        return Role.CONTROL
    return Role.RANKED if first.is_ranked else Role.UNRANKED


def _second_score(measured: Measured) -> float | None:
    second = measured.results.second
    return None if second is None else reading.figure(second.result, "score")


_UNRANKED, _ALL = (Role.UNRANKED,), tuple(Role)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; its fields are the columns in their order, and None is an empty cell.

    ``repeat_low`` and ``repeat_high`` bound the score of a second scoring in 95 % of
    the cases; ``flags`` are codes separated by spaces; ``shake_up`` is positive when
    the private split is kinder.
    """

    rank: int | None = _column(None, shown=Shown("rank", parts=(Role.RANKED,)))
    submission: str = _column(
        "", lambda m: m.results.first.name, shown=Shown("submission", parts=_ALL)
    )
    title: str = _column("", lambda m: reading.title(m.results.first.result))
    status: str = _column(
        "",
        lambda m: str(m.results.first.result.status),
        shown=Shown("status", parts=_UNRANKED),
    )
    score: float | None = _column(
        None, _metric("score"), SCORE_DIGITS, Shown("score", ".4f")
    )
    score_low: float | None = _column(
        None,
        _metric("score", "low"),
        SCORE_DIGITS,
        Shown("95 % interval", ".4f", until="score_high"),
    )
    score_high: float | None = _column(None, _metric("score", "high"), SCORE_DIGITS)
    repeat_low: float | None = _column(
        None,
        _metric("score", "low_repeated"),
        SCORE_DIGITS,
        Shown("scored again", ".4f", until="repeat_high"),
    )
    repeat_high: float | None = _column(
        None, _metric("score", "high_repeated"), SCORE_DIGITS
    )
    share_of_ceiling: float | None = _column(
        None, _metric("score", "share_of_ceiling"), 4, Shown("of ceiling", ".0%")
    )
    forgetting_quality: float | None = _column(
        None, _metric("forgetting_quality"), 6, Shown("F", ".4f")
    )
    ra_ratio: float | None = _column(
        None, _metric("retain_accuracy", "ratio"), 4, Shown("RA", ".3f")
    )
    ta_ratio: float | None = _column(
        None, _metric("test_accuracy", "ratio"), 4, Shown("TA", ".3f")
    )
    efficiency_ratio: float | None = _column(
        None, _metric("efficiency", "ratio"), 4, Shown("cost", ".3f")
    )
    certified_epsilon: float | None = _column(
        None, lambda m: m.evidence.certified_epsilon, 4, Shown("certified ε", ".2f")
    )
    n_models: int = _column(0, lambda m: m.results.first.result.n_models)
    isolation: str = _column("", lambda m: m.provenance.isolation_level)
    seed: int | None = _column(None, lambda m: m.results.first.seed)
    score_second_replicate: float | None = _column(
        None, _second_score, SCORE_DIGITS, Shown("second", ".4f")
    )
    reason: str = _column(
        "",
        lambda m: m.results.first.result.reason or m.results.first.result.unknown_cost,
        shown=Shown("reason", parts=_UNRANKED),
    )
    flags: str = _column(
        "",
        lambda m: " ".join(reading.flag_codes(m.results.first.result)),
        shown=Shown("flags", parts=(Role.RANKED,)),
    )
    submission_sha256: str = _column("", lambda m: m.results.first.sha256[:12])
    role: Role = _column(Role.UNRANKED, _role)  # noqa: RUF009 - a field, as the others
    track: str = _column("", lambda m: str(m.provenance.track_hash))
    bank: str = _column("", lambda m: str(m.provenance.bank_key))
    private_score: float | None = _column(
        None, None, SCORE_DIGITS, Shown("private score", ".4f", place=-1), private=True
    )
    private_low: float | None = _column(
        None,
        None,
        SCORE_DIGITS,
        Shown("private 95 % interval", ".4f", until="private_high", place=-1),
        private=True,
    )
    private_high: float | None = _column(None, None, SCORE_DIGITS, private=True)
    private_rank: int | None = _column(
        None, shown=Shown("private rank", place=-2), private=True
    )
    shake_up: int | None = _column(
        None, shown=Shown("shake-up", "+.0f", place=-1), private=True
    )


COLUMNS = tuple(replace(f.metadata["column"], name=f.name) for f in fields(Row))


def columns_of(*, private: bool) -> tuple[Column, ...]:
    """Columns of a table, with or without those of a private split."""
    return tuple(column for column in COLUMNS if private or not column.private)


def row_of(measured: Measured) -> Row:
    """Return the row of a submission, without its rank."""
    return Row(**{c.name: c.read(measured) for c in COLUMNS if c.read is not None})
