"""From stored results to the table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.leaderboard.agreement import agreement_of
from harness.leaderboard.board import Board
from harness.leaderboard.columns import PRIVATE, Cells, cells_of
from harness.leaderboard.eligibility import Terms, is_of_split
from harness.leaderboard.evidence import gather
from harness.leaderboard.private_split import (
    PrivateStanding,
    private_standings,
    with_private,
)
from harness.leaderboard.ranking import RULE
from harness.leaderboard.replicates import by_submission, merged
from harness.leaderboard.row import Row
from harness.leaderboard.standings import standings
from harness.leaderboard.stored import (
    Entry,
    Refused,
    Vetted,
    read_entries,
    refusals_in_words,
    vet,
    without_earlier_versions,
)
from harness.track import Track


@dataclass(frozen=True)
class Request:
    """Which results are ranked, and how.

    Attributes
    ----------
    output : Path
        Folder of the results.
    track : Track
        The public split.
    private : Track or None
        The private split, which then decides the order.
    n_jobs : int
        Processes.
    """

    output: Path
    track: Track
    private: Track | None
    n_jobs: int

    @property
    def folder(self) -> Path:
        """Folder of the track's results."""
        return self.output / self.track.name

    def scoring_command(self, track: Track) -> str:
        """Return what makes results of a split."""
        return f"unlearn-eval score submissions/ --official {track.options}".rstrip()


@dataclass(frozen=True)
class Table:
    """A ranked table.

    Attributes
    ----------
    terms : Terms
        What all rows were measured on.
    rows : tuple of Row
        In order.
    private : bool
        Whether there are columns of a private split.
    refused : tuple of Refused
        Results that could not be ranked.
    """

    terms: Terms
    rows: tuple[Row, ...]
    private: bool
    refused: tuple[Refused, ...] = ()

    @property
    def cells(self) -> list[Cells]:
        """The rows as text."""
        return cells_of(self.rows, private=self.private)

    def to_dict(self) -> dict[str, Any]:
        """Return the documented JSON object; numbers are not rounded."""
        found = agreement_of(self.cells)
        hidden = () if self.private else PRIVATE
        rows = [
            {key: value for key, value in asdict(row).items() if key not in hidden}
            for row in self.rows
        ]
        return {
            "track": self.terms.track.name,
            "track_hash": self.terms.track.hash,
            "bank_key": self.terms.bank.key,
            "n_models": self.terms.n_models,
            "rule": RULE,
            "agreement": {**asdict(found), "share_inside": found.share_inside},
            "rows": rows,
            "refused": [each._asdict() for each in self.refused],
        }


def rank_stored(request: Request) -> Table:
    """Rank the stored results.

    Raises
    ------
    UsageError
        If there are none that can be ranked, or two of one name and seed.
    CheckFailed
        If a stored file has changed.
    """
    terms = Terms.of(request.track)
    stored = _stored(request, terms)
    return _table(request, terms, stored, stored.public.entries)


def update_board(board: Board, request: Request) -> Table:
    """Bring stored results into a board; a row that only the board has stays.

    Raises
    ------
    UsageError
        As `rank_stored`; also if the board has private columns and no private split
        is asked for.
    CheckFailed
        If a stored file has changed, of the runs or of the board.
    """
    if request.private is None and board.has_private_columns():
        raise UsageError(
            f"{board.csv} has private columns, which would be lost; give --split-seed, "
            f"or remove {board.csv.name} to make a public leaderboard of it."
        )
    terms = Terms.of(request.track)
    stored = _stored(request, terms, empty=bool(board.replicates()))
    new = stored.public.entries
    by_submission(new)  # two of one name are a mistake, whatever the board holds
    together = merged(board.unreplaced_entries(terms, new), new)
    table = _table(request, terms, stored, together)
    board.keep(together)
    board.write(table.cells)
    return table


class _Stored(NamedTuple):
    """What the folder of results holds; ``private`` are all entries, yet unvetted."""

    public: Vetted
    private: tuple[Entry, ...]


def _stored(request: Request, terms: Terms, *, empty: bool = False) -> _Stored:
    """Read and vet the results; none at all are a mistake unless they may be `empty`.

    Results of the private split are no public ones, and are not told of as refused.
    """
    found = read_entries(request.folder)
    if not found and not empty:
        raise UsageError(
            f"there are no results in {request.folder}; score submissions first: "
            f"{request.scoring_command(request.track)}."
        )
    private = request.private
    hidden = tuple(e for e in found if private and is_of_split(e.result, private))
    if private and not hidden:
        raise UsageError(
            f"there are no results of that private split in {request.folder}; make "
            f"them with: {request.scoring_command(private)}."
        )
    rest = [entry for entry in found if entry not in hidden]
    if found and not any(is_of_split(e.result, request.track) for e in rest):
        _refuse_private_alone(request, n_results=len(found), empty=empty)
    return _Stored(without_earlier_versions(vet(rest, terms)), hidden)


def _refuse_private_alone(request: Request, n_results: int, *, empty: bool) -> None:
    if request.private is None:
        raise UsageError(
            f"all {n_results} results in {request.folder} are of a private split; give "
            "its --split-seed, beside results of the public split, which are made "
            f"with: {request.scoring_command(request.track)}."
        )
    if not empty:
        raise UsageError(
            f"there are no results of the public split in {request.folder}, and the "
            "private one only goes beside it; make them with: "
            f"{request.scoring_command(request.track)}."
        )


def _table(
    request: Request, terms: Terms, stored: _Stored, entries: Sequence[Entry]
) -> Table:
    if not entries:
        refused = stored.public.refused
        raise UsageError(
            f"none of the {len(refused)} results in {request.folder} can be ranked: "
            f"{refusals_in_words(refused)}. Make new ones with: "
            f"{request.scoring_command(request.track)}."
        )
    groups = by_submission(entries)
    firsts = [group.first for group in groups]
    evidence = gather(firsts, terms, n_jobs=request.n_jobs)
    rows = standings(groups, evidence, terms)
    told = list(stored.public.refused)
    if request.private is not None:
        private = _private(request.private, stored.private, request.n_jobs)
        rows = with_private(rows, private.standings)
        told += private.refused
    return Table(terms, tuple(rows), request.private is not None, tuple(told))


class Private(NamedTuple):
    """The private ranking, and the results that have no place in it."""

    standings: dict[str, PrivateStanding]
    refused: tuple[Refused, ...]


def _private(track: Track, entries: Sequence[Entry], n_jobs: int) -> Private:
    terms = Terms.of(track)
    vetted = without_earlier_versions(vet(entries, terms, secret=True))
    groups = by_submission(vetted.entries)
    evidence = gather([group.first for group in groups], terms, n_jobs=n_jobs)
    return Private(private_standings(groups, evidence), vetted.refused)


def private_ranking(request: Request) -> dict[str, PrivateStanding]:
    """Rank the stored results of the private split, for a check of its columns.

    Raises
    ------
    UsageError
        If there are none, or its bank is not here.
    CheckFailed
        If a stored file has changed.
    """
    if request.private is None:
        return {}
    stored = _stored(request, Terms.of(request.track), empty=True)
    return _private(request.private, stored.private, request.n_jobs).standings
