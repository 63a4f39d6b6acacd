"""From stored results to the table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.leaderboard.agreement import agreement_of
from harness.leaderboard.board import Board
from harness.leaderboard.cells import table_of
from harness.leaderboard.columns import Row, columns_of
from harness.leaderboard.eligibility import Eligibility, is_of_split
from harness.leaderboard.evidence import gather
from harness.leaderboard.private_split import Standings, rank_private, with_private
from harness.leaderboard.ranking import RULE, standings
from harness.leaderboard.replicates import by_submission, merged
from harness.leaderboard.stored import Refused, StoredResult, read_all, vet
from harness.track import Track

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """Which results are ranked, and how.

    Results of the `track`, the public split, lie in `output`; a `private` split
    decides the order.
    """

    output: Path
    track: Track
    private: Track | None
    n_jobs: int

    @property
    def folder(self) -> Path:
        """Folder of the track's results."""
        return self.output / self.track.name

    def scoring_command(self, track: Track | None = None) -> str:
        """Return what makes results of a split, by default the public one."""
        options = (track or self.track).options
        return f"unlearn-eval score submissions/ --official {options}".rstrip()


@dataclass(frozen=True)
class Table:
    """A ranked table, and the results that could not be ranked."""

    eligibility: Eligibility
    rows: tuple[Row, ...]
    private: bool
    refused: tuple[Refused, ...] = ()

    @property
    def cells(self) -> "pd.DataFrame":
        """The rows as text, as the CSV file has them."""
        return table_of(self.rows, private=self.private)

    def to_dict(self) -> dict[str, object]:
        """Return the documented JSON object; numbers are not rounded."""
        found = agreement_of(self.cells)
        names = [column.name for column in columns_of(private=self.private)]
        return {
            "track": self.eligibility.track.name,
            "track_hash": self.eligibility.track.hash,
            "bank_key": self.eligibility.bank.key,
            "n_models": self.eligibility.n_models,
            "rule": RULE,
            "agreement": {**asdict(found), "share_inside": found.share_inside},
            "rows": [{name: getattr(row, name) for name in names} for row in self.rows],
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
    eligibility = Eligibility.of(request.track)
    public, private = _stored(request)
    eligible, refused = vet(public, eligibility)
    return _table(request, eligibility, eligible, refused, private)


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
    eligibility = Eligibility.of(request.track)
    public, private = _stored(request, may_be_empty=bool(board.replicates()))
    new, refused = vet(public, eligibility)
    by_submission(new)  # two of one name are a mistake, whatever the board holds
    together = merged(board.results(eligibility, new), new)
    table = _table(request, eligibility, together, refused, private)
    board.keep(together)
    board.write(table.cells)
    return table


def _stored(
    request: Request, *, may_be_empty: bool = False
) -> tuple[list[StoredResult], list[StoredResult]]:
    """Read the results: those of the public split and others, and the private ones."""
    found = read_all(request.folder)
    if not found and not may_be_empty:
        raise UsageError(
            f"there are no results in {request.folder}; score submissions first: "
            f"{request.scoring_command()}."
        )
    private = request.private
    hidden = [e for e in found if private and is_of_split(e.result, private)]
    if private and not hidden:
        raise UsageError(
            f"there are no results of that private split in {request.folder}; make "
            f"them with: {request.scoring_command(private)}."
        )
    rest = [each for each in found if each not in hidden]
    if found and not any(is_of_split(e.result, request.track) for e in rest):
        _refuse_private_alone(request, len(found), may_be_empty=may_be_empty)
    return rest, hidden


def _refuse_private_alone(
    request: Request, n_results: int, *, may_be_empty: bool
) -> None:
    if request.private is None:
        raise UsageError(
            f"all {n_results} results in {request.folder} are of a private split; give "
            "its --split-seed, beside results of the public split, which are made "
            f"with: {request.scoring_command()}."
        )
    if not may_be_empty:
        raise UsageError(
            f"there are no results of the public split in {request.folder}, and the "
            "private one only goes beside it; make them with: "
            f"{request.scoring_command()}."
        )


def _table(
    request: Request,
    eligibility: Eligibility,
    results: Sequence[StoredResult],
    refused: tuple[Refused, ...],
    hidden: Sequence[StoredResult],
) -> Table:
    if not results:
        raise UsageError(
            f"none of the {len(refused)} results in {request.folder} can be ranked: "
            f"{'; '.join(map(str, refused))}. Make new ones with: "
            f"{request.scoring_command()}."
        )
    groups = by_submission(results)
    firsts = [group.first for group in groups]
    evidence = gather(firsts, eligibility, n_jobs=request.n_jobs)
    rows = standings(groups, evidence, eligibility)
    if request.private is not None:
        told, refused_too = rank_private(request.private, hidden, request.n_jobs)
        rows = with_private(rows, told)
        refused += refused_too
    return Table(eligibility, tuple(rows), request.private is not None, refused)


def private_standings(request: Request) -> Standings:
    """Rank the stored results of the private split, for a check of its columns."""
    if request.private is None:
        return {}
    _, hidden = _stored(request, may_be_empty=True)
    told, _ = rank_private(request.private, hidden, request.n_jobs)
    return told
