"""``unlearn-eval bundle``: a competition that others can host."""

from datetime import date, datetime
from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener, resuming
from harness.competition.codabench import Competition, write_bundle
from harness.competition.programs import ingest as ingest_submission
from harness.competition.programs import rate as rate_result
from harness.errors import ExitCode
from harness.results.card import score_card
from harness.status import Status

_FOLDER = click.Path(path_type=Path)


@click.group()
def bundle() -> None:
    """Make a competition for a platform, and do what its workers run."""


@bundle.command()
@click.argument("folder", type=_FOLDER)
@options.track
@click.option(
    "--public-split-seed",
    type=click.IntRange(min=0),
    help="Split of the public phase; by default the track's own.",
)
@click.option(
    "--private-split-seed",
    type=click.IntRange(min=0),
    required=True,
    help="Split of the private phase: a large number that nobody knows.",
)
@options.n_models
@click.option("--title", default="Machine unlearning", show_default=True)
@click.option(
    "--image",
    default="unlearn-eval:latest",
    show_default=True,
    help="Container image, built from the Dockerfile.",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day of the public phase; by default today.",
)
@click.option(
    "--public-days", type=click.IntRange(min=1), default=60, show_default=True
)
@click.option(
    "--time-limit",
    type=click.IntRange(min=60),
    default=3600,
    show_default=True,
    help="Seconds for all runs of a submission.",
)
@options.isolation
def codabench(
    folder: Path,
    track: str,
    public_split_seed: int | None,
    private_split_seed: int,
    n_models: int | None,
    title: str,
    image: str,
    start: datetime | None,
    public_days: int,
    time_limit: int,
    isolation: str,
) -> int:
    """Write a bundle for Codabench into FOLDER, and FOLDER.zip to upload.

    Both splits need a bank: unlearn-eval reference build --split-seed. The bundle holds
    both, and the seeds of all runs: it is for the organizers alone.
    """
    plan = Competition(
        track=track,
        public_seed=public_split_seed,
        private_seed=private_split_seed,
        n_models=n_models,
        title=title,
        image=image,
        start=start.date() if start else date.today(),
        public_days=public_days,
        time_limit=time_limit,
        isolation=isolation,
    )
    path = write_bundle(folder, plan)
    click.echo(f"Wrote {path}. It holds secrets: upload it, and publish it nowhere.")
    return ExitCode.OK


@bundle.command()
@click.option("--data", type=_FOLDER, required=True, help="The phase's input data.")
@click.option("--submission", type=_FOLDER, required=True, help="What was sent.")
@click.option("--output", type=_FOLDER, required=True, help="For the result.")
@resuming("finished runs")
def ingest(data: Path, submission: Path, output: Path) -> int:
    """Do the runs of a submission, where a platform's worker asks for them."""
    listener = ProgressListener(quiet=False, bars=False)
    result = ingest_submission(data, submission, output, listener)
    click.echo(score_card(result))
    return ExitCode.OK if result.status == Status.SCORED else ExitCode.NOT_SCORED


@bundle.command()
@click.option("--reference", type=_FOLDER, required=True, help="The reference data.")
@click.option("--received", type=_FOLDER, required=True, help="What ingest wrote.")
@click.option("--output", type=_FOLDER, required=True, help="For scores.json.")
def rate(reference: Path, received: Path, output: Path) -> int:
    """Compute the scores of a submission whose runs are done."""
    scores = rate_result(reference, received, output)
    for name, value in scores.items():
        click.echo(f"{name}: {value:.4f}")
    return ExitCode.OK
