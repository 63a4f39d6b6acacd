"""``unlearn-eval leaderboard``: rank stored results, keep a board, check it."""

import json
from pathlib import Path
from typing import Any

import click

from harness.cli.options import (
    chosen_jobs,
    json_option,
    n_jobs_option,
    split_seed_option,
    track_option,
)
from harness.errors import ExitCode, UsageError
from harness.leaderboard.board import Board, default_board
from harness.leaderboard.check import Check, check_board, drift_error
from harness.leaderboard.table import Request, Table, rank_stored, update_board
from harness.leaderboard.terminal_table import terminal_table
from harness.track import find_track


@click.command()
@track_option
@split_seed_option
@n_jobs_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the results.",
)
@click.option(
    "--board",
    type=click.Path(path_type=Path),
    help="Folder of the committed leaderboard; by default submissions/leaderboard.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Bring the stored results into the board and write its table.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Compute every figure of the board again; exit with 4 if one differs.",
)
@json_option
def leaderboard(
    track: str,
    split_seed: int | None,
    n_jobs: int | None,
    output: Path,
    board: Path | None,
    update: bool,
    check: bool,
    as_json: bool,
) -> int:
    """Rank stored results; rows that cannot be told apart share a rank.

    With --split-seed, results of that private split decide the order, beside the
    public ranks.
    """
    if update and check:
        raise UsageError("--update and --check exclude each other; give one.")
    public = find_track(track)
    if split_seed == public.data.split_seed:
        raise UsageError(
            "that --split-seed is the track's public one; give the private split's."
        )
    private = None if split_seed is None else find_track(track, split_seed=split_seed)
    request = Request(output, public, private, chosen_jobs(n_jobs))
    place = Board(board or default_board(), public.name)
    if check:
        return _check(place, request, as_json)
    table = update_board(place, request) if update else rank_stored(request)
    click.echo(_json(table.to_dict()) if as_json else _words(table))
    if update:
        click.echo(f"Wrote {place.csv} and {place.markdown}.", err=True)
    return ExitCode.OK


def _check(board: Board, request: Request, as_json: bool) -> int:
    found = check_board(board, request)
    if as_json:
        click.echo(_json(found.to_dict()))
        return ExitCode.OK if found.ok else ExitCode.CHECK_FAILED
    if not found.ok:
        raise drift_error(found, board)
    click.echo(_verdict(found, board))
    return ExitCode.OK


def _verdict(check: Check, board: Board) -> str:
    words = (
        f"{board.csv}: all {check.figures} figures of {check.rows} rows and "
        f"{check.results} results are what the stored arrays give."
    )
    if check.private == "unchecked":
        words += " Private scores and ranks were not checked: give --split-seed."
    return words


def _words(table: Table) -> str:
    return terminal_table(table.cells, table.refused)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False)
