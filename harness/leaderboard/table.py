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
from harness.leaderboard.private_split import (
    Standings,
    private_replicates,
    rank_private,
    with_private,
)
from harness.leaderboard.ranking import RULE, standings
from harness.leaderboard.remeasure import remeasure_outdated
from harness.leaderboard.replicates import Replicates, by_submission, merged
from harness.leaderboard.stored import Refused, StoredResult, Vetted, read_all, vet
from harness.leaderboard.verified import (
    confirmed_names,
    digest_of,
    vouched,
    write_record,
)
from harness.reference.parallel import Counter
from harness.storage.shipped import shipped_submissions
from harness.track import Track

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """Which results are ranked, and how.

    Results of the `track`, the public split, lie in `output`; a `private` split
    decides the order. A `counter` hears how many results are measured.
    """

    output: Path
    track: Track
    private: Track | None
    n_jobs: int
    counter: Counter | None = None

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

    def _repr_html_(self) -> str:
        # Templates that no other command needs.
        from harness.leaderboard.drawn import html_table  # noqa: PLC0415

        return html_table(self.cells, self.refused)

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


def rank_stored(request: Request, board: Board | None = None) -> Table:
    """Rank the stored results; what organizers vouch for stands on the board.

    By default it is the board that travels with the package.

    Raises
    ------
    UsageError
        If there are none that can be ranked, or two of one name and seed.
    CheckFailed
        If a stored file has changed.
    """
    eligibility = Eligibility.of(request.track)
    public, private = _stored(request)
    vetted = vet(public, eligibility)
    folder = shipped_submissions() / "leaderboard"
    backing = (board or Board(folder, request.track.name)).backing
    return _table(request, eligibility, vetted, private, backing)


def record_confirmed(board: Board, request: Request, key: Path | None) -> list[str]:
    """Write into a board's records which of its rows the private split confirms.

    A row without a private result keeps its record. Returns the confirmed names; a
    `key` signs the records.
    """
    if request.private is None:
        raise UsageError("--record needs --rerun NAME, or --split-seed; give one.")
    _, hidden = _stored(request, may_be_empty=True)
    groups = by_submission(board.results(Eligibility.of(request.track)))
    return _record_confirmed(board, groups, request.private, hidden, key)


def _record_confirmed(
    board: Board,
    groups: Sequence[Replicates],
    private: Track,
    hidden: Sequence[StoredResult],
    key: Path | None,
) -> list[str]:
    others, _ = private_replicates(Eligibility.of(private), hidden)
    tried = {group.first.name for group in others}
    confirmed = confirmed_names(groups, others)
    for group in groups:
        if (name := group.first.name) in tried:
            found = digest_of(group.first) if name in confirmed else ""
            write_record(board.backing, group.first, key, confirmed=found)
    return sorted(confirmed)


def update_board(board: Board, request: Request, key: Path | None = None) -> Table:
    """Bring stored results into a board; a row that only the board has stays.

    Where the metrics have changed since it was measured, it is measured again.
    With a private split the records say which rows it confirms; a `key` signs them.

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
    remeasure_outdated(board, eligibility, request.n_jobs, request.counter)
    together = merged(board.results(eligibility, new), new)
    if not together:
        raise _none_to_rank(request, refused)
    if request.private is not None:
        groups = by_submission(together)
        _record_confirmed(board, groups, request.private, private, key)
    vetted = (together, refused)
    table = _table(request, eligibility, vetted, private, board.backing)
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
    vetted: Vetted,
    hidden: Sequence[StoredResult],
    backing: Path,
) -> Table:
    results, refused = vetted
    if not results:
        raise _none_to_rank(request, refused)
    groups = by_submission(results)
    firsts = [group.first for group in groups]
    evidence = gather(
        firsts, eligibility, n_jobs=request.n_jobs, counter=request.counter
    )
    known = dict(vouched(backing, groups))
    if request.private is not None:
        others, _ = private_replicates(Eligibility.of(request.private), hidden)
        for name in confirmed_names(groups, others):
            known[name] = known[name]._replace(confirmed=True)
    rows = standings(groups, evidence, eligibility, known)
    if request.private is not None:
        told, refused_too = rank_private(
            request.private, hidden, request.n_jobs, request.counter
        )
        rows = with_private(rows, told)
        refused += refused_too
    return Table(eligibility, tuple(rows), request.private is not None, refused)


def _none_to_rank(request: Request, refused: tuple[Refused, ...]) -> UsageError:
    return UsageError(
        f"none of the {len(refused)} results in {request.folder} can be ranked: "
        f"{'; '.join(map(str, refused))}. Make new ones with: "
        f"{request.scoring_command()}."
    )


def private_standings(request: Request) -> Standings:
    """Rank the stored results of the private split, for a check of its columns."""
    if request.private is None:
        return {}
    _, hidden = _stored(request, may_be_empty=True)
    told, _ = rank_private(request.private, hidden, request.n_jobs, request.counter)
    return told
