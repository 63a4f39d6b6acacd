"""``unlearn-eval leaderboard``: rank stored results, keep a board, check it."""

import secrets
import sys
from pathlib import Path
from typing import NamedTuple

import click

from harness.cli import options
from harness.cli.progress import ProgressListener, resuming
from harness.errors import ExitCode, UsageError
from harness.execution.cluster import Cluster
from harness.leaderboard.board import Board, default_board
from harness.leaderboard.check import Check, check_board, drift_error
from harness.leaderboard.eligibility import Eligibility
from harness.leaderboard.rerun import (
    ALL,
    Rerun,
    compare_reruns,
    record_reruns,
    rows_to_rerun,
)
from harness.leaderboard.table import (
    Request,
    rank_stored,
    record_confirmed,
    update_board,
)
from harness.leaderboard.terminal import terminal_table
from harness.plain_text import harmless
from harness.sandbox import Level
from harness.scoring.scorer import scorer_on
from harness.scoring.seeds import known_secret, organizers_secret
from harness.scoring.settings import ScoreSettings
from harness.storage.shipped import own_submissions
from harness.track import find_track


@click.command()
@options.track
@options.split_seed
@options.n_jobs
@options.scheduler
@options.bank
@options.output
@options.board
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
@click.option(
    "--rerun",
    metavar="NAME",
    multiple=True,
    help="Run a row's submission again and hold its score against the stored "
    f"interval; exit with 4 if it lies outside. May be repeated; {ALL!r} for all.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Seed of --rerun; by default a fresh one.",
)
@click.option(
    "--record",
    is_flag=True,
    help="As the organizer, write into the board which rows --rerun bears out, or the "
    "private split confirms.",
)
@click.option(
    "--sign",
    type=click.Path(path_type=Path),
    help="Sign those records with this key of ssh-keygen.",
)
@click.option(
    "--verified",
    is_flag=True,
    help="With --check, fail also where no organizer has run a ranked row again.",
)
@options.data_dir
@options.as_json
@options.quiet
@options.progress
def leaderboard(
    track: str,
    split_seed: int | None,
    n_jobs: int | None,
    scheduler: str | None,
    output: Path,
    board: Path | None,
    update: bool,
    check: bool,
    rerun: tuple[str, ...],
    seed: int | None,
    record: bool,
    sign: Path | None,
    verified: bool,
    data_dir: Path | None,
    as_json: bool,
    quiet: bool,
    progress: bool,
) -> int:
    """Rank stored results; rows that cannot be told apart share a rank.

    With --split-seed, results of that private split decide the order, beside the
    public ranks.
    """
    for words, wrong in {
        "--update, --check and --rerun exclude each other; give one.": (
            update + check + bool(rerun) > 1
        ),
        "--verified goes with --check; give both.": verified and not check,
        "--scheduler goes with --rerun; give both.": scheduler and not rerun,
        "--check writes nothing; leave --record and --sign out.": (
            check and (record or sign)
        ),
    }.items():
        if wrong:
            raise UsageError(words)
    public = find_track(track)
    if split_seed == public.data.split_seed:
        raise UsageError(
            "that --split-seed is the track's public one; give the private split's."
        )
    private = None if split_seed is None else find_track(track, split_seed=split_seed)
    listener = ProgressListener(quiet=quiet, bars=progress, lines=bool(rerun))
    request = Request(output, public, private, options.chosen_jobs(n_jobs), listener)
    place = Board(board or default_board(), public.name)
    if check:
        with listener:
            return _check(place, request, as_json, verified=verified)
    if rerun:
        settings = ScoreSettings(
            track=public,
            n_models=public.evaluation.n_models,
            n_jobs=options.jobs_here(
                n_jobs,
                public.evaluation.n_runs,
                public.device,
                elsewhere=scheduler is not None,
            ),
            seed=secrets.randbelow(2**31) if seed is None else seed,
            output=output,
            data_dir=data_dir,
            secret=organizers_secret(),
        )
        keep, drawn = _Keep(record, sign), f" with --seed {settings.seed}"
        how = "Run the same command again" + (drawn if seed is None else "")
        with (
            resuming("finished runs", how),
            listener,
            options.chosen_cluster(scheduler, n_jobs, listener.say) as cluster,
        ):
            return _rerun(place, settings, rerun, listener, keep, as_json, cluster)
    with listener:
        if update:
            table = update_board(place, request, sign)
        else:
            if record or sign:
                record_confirmed(place, request, sign)
            table = rank_stored(
                request, place if board or default_board().exists() else None
            )
    if as_json:
        options.echo_json(table.to_dict())
    else:
        styled = sys.stdout.isatty()
        click.echo(terminal_table(table.cells, table.refused, styled=styled))
    if update:
        click.echo(f"Wrote {place.csv} and {place.markdown}.", err=True)
    return ExitCode.OK


class _Keep(NamedTuple):
    """Whether what is found is written into the board, and the key that signs it."""

    record: bool
    key: Path | None


def _check(board: Board, request: Request, as_json: bool, *, verified: bool) -> int:
    found = check_board(board, request, known_secret())
    ok = found.ok and not (verified and found.unverified)
    if as_json:
        options.echo_json(found.to_dict() | {"ok": ok})
        return ExitCode.OK if ok else ExitCode.CHECK_FAILED
    if not found.ok:
        raise drift_error(found, board)
    click.echo(_verdict(found, board))
    return ExitCode.OK if ok else ExitCode.CHECK_FAILED


def _rerun(
    board: Board,
    settings: ScoreSettings,
    names: tuple[str, ...],
    listener: ProgressListener,
    keep: _Keep,
    as_json: bool,
    cluster: Cluster | None,
) -> int:
    eligibility = Eligibility.of(settings.track)
    rows = rows_to_rerun(board, eligibility, names, own_submissions())
    listener.say(f"{len(rows)} submissions again, with --seed {settings.seed}")
    with scorer_on(cluster, settings, listener, Level.FULL) as scorer:
        results = scorer.score_all([path for _, path in rows])
    groups = [group for group, _ in rows]
    reruns = compare_reruns([group.first for group in groups], results)
    if keep.record or keep.key:
        record_reruns(board, groups, results, keep.key)
    ok = all(each.reproduced for each in reruns)
    if as_json:
        told = [each.to_dict() for each in reruns]
        options.echo_json({"ok": ok, "seed": settings.seed, "reruns": told})
    else:
        click.echo("\n".join([*map(str, reruns), _summary(reruns)]))
    return ExitCode.OK if ok else ExitCode.CHECK_FAILED


def _summary(reruns: list[Rerun]) -> str:
    n_inside = sum(each.inside for each in reruns)
    failed = [each.submission for each in reruns if not each.reproduced]
    words = f"{n_inside} of {len(reruns)} as the stored interval says; "
    return words + (
        f"NOT reproduced: {', '.join(failed)}." if failed else "reproduced."
    )


def _verdict(check: Check, board: Board) -> str:
    words = (
        f"{board.csv}: all {check.figures} figures of {check.rows} rows and "
        f"{check.results} results are what the stored arrays give."
    )
    if check.private == "unchecked":
        words += " Private scores and ranks were not checked: give --split-seed."
    if check.sources == "unchecked":
        words += " No submissions lie beside the board to compare its rows with."
    if check.unverified:
        words += (
            f" That says nothing of who ran them: {len(check.unverified)} ranked rows "
            "stand on their submitters' word alone (run by: submitter): "
            f"{', '.join(map(harmless, check.unverified))}."
        )
    return words
