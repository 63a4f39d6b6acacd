"""``unlearn-eval score``: submissions in, score cards out."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener, resuming
from harness.cli.show import echo_card
from harness.errors import ExitCode, UsageError
from harness.results.schema import Result
from harness.results.store import ResultFolder
from harness.results.summary import summary_table
from harness.run.checkpoints import holds_checkpoints
from harness.run.entry import find_entries, read_entry
from harness.sandbox import AUTO, Level
from harness.scoring.reporting import make_report
from harness.scoring.scorer import Scorer, scorer_on
from harness.scoring.seeds import organizers_secret
from harness.scoring.settings import ScoreSettings
from harness.scoring.stopping import (
    Stop,
    precise,
    score_until,
    separable_from,
)
from harness.status import Status

REPORT = "report.html"


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.track
@options.split_seed
@options.n_models
@options.originals
@options.n_jobs
@options.scheduler
@options.seed
@options.device
@options.data_dir
@options.bank
@options.output
@click.option("--force", is_flag=True, help="Do all runs again.")
@click.option(
    "--keep-going",
    is_flag=True,
    help="Let a failure of the harness cost one submission only: it is told at the "
    "end, and the others are scored.",
)
@options.isolation
@click.option(
    "--official",
    is_flag=True,
    help="Score for a ranking: secret seeds; less than full isolation or another N "
    "than the track's is refused.",
)
@click.option(
    "--precision",
    type=float,
    help="Stop at a smaller N where the score's interval reaches this share of it up "
    "and down, such as .1.",
)
@click.option(
    "--until-separable",
    metavar="NAME",
    help="Stop at a smaller N where the score can be told from that of a stored "
    "result.",
)
@click.option(
    "--fail-under",
    type=float,
    help="Exit with 4 if a submission's score is less than this: the calibrated one, "
    "where there is one.",
)
@click.option(
    "--html",
    is_flag=True,
    help="Also write report.html into each result's folder, and say where.",
)
@options.as_json
@options.quiet
@options.verbose
@options.progress
@resuming("finished runs")
def score(
    paths: tuple[Path, ...],
    track: str,
    split_seed: int | None,
    n_models: int | None,
    originals: int | None,
    n_jobs: int | None,
    scheduler: str | None,
    seed: int,
    device: str | None,
    data_dir: Path | None,
    output: Path,
    force: bool,
    keep_going: bool,
    isolation: str,
    official: bool,
    precision: float | None,
    until_separable: str | None,
    fail_under: float | None,
    html: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    progress: bool,
) -> int:
    """Score submissions: .py files, folders of them, or notebooks.

    Of a notebook counts the cell that defines unlearning, and what it needs of others.
    A folder or zip with a submission.py is one submission, with its modules.

    A zip or a folder of unlearned_checkpoint_*.pth, made elsewhere, is scored without
    a cost and takes no part in a ranking.

    Interrupt it at any moment and run it again: finished runs are not repeated.
    A submission that fails never keeps the others from their score.
    """
    found = find_entries(paths)
    elsewhere = scheduler is not None
    chosen = options.chosen_track(track, split_seed, device, elsewhere=elsewhere)
    wanted = chosen.evaluation.n_models if n_models is None else n_models
    n_runs = wanted * (originals or chosen.evaluation.originals)
    settings = ScoreSettings(
        track=chosen,
        n_models=wanted,
        n_jobs=options.jobs_here(n_jobs, n_runs, chosen.device, elsewhere=elsewhere),
        originals=originals,
        seed=seed,
        output=output,
        force=force,
        data_dir=data_dir,
        secret=organizers_secret() if official else b"",
        keep_going=keep_going,
    )
    stop = _stop(settings, precision, until_separable)
    if official:
        _refuse_unknown_costs(found)
        isolation = _official_isolation(settings, isolation)
    with (
        ProgressListener(quiet=quiet, bars=progress) as listener,
        options.chosen_cluster(scheduler, n_jobs, listener.say) as cluster,
        scorer_on(cluster, settings, listener, isolation) as scorer,
    ):
        if stop is None:
            results = scorer.score_all(found)
        else:
            results = [score_until(scorer, path, stop) for path in found]
        folders = _stored(scorer, found, results) if html else []
    if as_json:
        options.echo_json({"results": [result.to_dict() for result in results]})
    else:
        for result in sorted(results, key=_score_of, reverse=True):
            echo_card(result, verbose=verbose)
    if len(results) > 1 and not (as_json and quiet):
        click.echo("\n" + summary_table(results), err=as_json)
    if folders:
        with ProgressListener(quiet=quiet, bars=progress, lines=False) as listener:
            _write_reports(folders, track, data_dir, listener)
    return _exit_code(results, fail_under)


def _write_reports(
    folders: list[ResultFolder],
    track: str,
    data_dir: Path | None,
    listener: ProgressListener,
) -> None:
    listener.begin("reports", len(folders), 0)
    for folder in folders:
        page = make_report([folder], track=track, data_dir=data_dir)
        listener.say(f"Wrote {page.write(folder.path / REPORT)}.")
        listener.advance()


def _stored(
    scorer: Scorer, paths: list[Path], results: list[Result]
) -> list[ResultFolder]:
    """Find where results lie: an early stop has made them smaller.

    A failure of ours leaves none.
    """
    sizes = [
        (path, result.n_models)
        for path, result in zip(paths, results, strict=True)
        if result.status != Status.HARNESS_ERROR
    ]
    return [
        scorer.folder_of(read_entry(path, size, scorer.spec), size)
        for path, size in sizes
    ]


def _stop(
    settings: ScoreSettings, precision: float | None, name: str | None
) -> Stop | None:
    """Choose the rule that ends a scoring early, if one is asked for."""
    if precision is None and name is None:
        return None
    if settings.secret or (precision is not None and name is not None):
        raise UsageError(
            "--precision, --until-separable and --official exclude each other; give "
            "one."
        )
    if precision is not None:
        return precise(precision)
    words = (name or "", settings.output, settings.track.name)
    return separable_from(*words, settings.n_models)


def _refuse_unknown_costs(paths: list[Path]) -> None:
    """Refuse checkpoints where a ranking is meant."""
    for path in filter(holds_checkpoints, paths):
        raise UsageError(
            f"--official needs the cost of every run, and that of {path} is unknown, "
            "for it was made elsewhere; score the submission's .py file."
        )


def _official_isolation(settings: ScoreSettings, isolation: str) -> str:
    """Return the level that an official result needs."""
    needed = settings.track.evaluation.n_models
    if settings.n_models != needed:
        raise UsageError(
            f"--official needs the track's own N, --n-models {needed}, "
            f"not {settings.n_models}."
        )
    starts = settings.track.evaluation.originals
    if settings.originals not in (None, starts):
        raise UsageError(
            f"--official needs the track's own original models, --originals {starts}, "
            f"not {settings.originals}."
        )
    if isolation not in (AUTO, Level.FULL):
        raise UsageError(f"--official needs --isolation full, not {isolation}.")
    return Level.FULL


def _score_of(result: Result) -> float:
    """Sort key: nothing unscored stands above a scored row."""
    score = result.metrics.ranked_score
    return score.value if score and result.status == Status.SCORED else -1.0


def _exit_code(results: list[Result], fail_under: float | None) -> int:
    ranked = [result for result in results if not result.is_reference]
    if any(result.status == Status.HARNESS_ERROR for result in results):
        return ExitCode.OUR_FAILURE
    if not all(map(_is_fine, results)):
        return ExitCode.NOT_SCORED
    if fail_under is not None and any(_score_of(r) < fail_under for r in ranked):
        return ExitCode.CHECK_FAILED
    return ExitCode.OK


def _is_fine(result: Result) -> bool:
    """Tell whether all went well: a reference is over the cap by nature."""
    over = result.is_reference and result.status == Status.OVER_BUDGET
    return over or result.status == Status.SCORED
