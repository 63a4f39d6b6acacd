"""``unlearn-eval report``: a stored result, or two, as one HTML file."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.results.lookup import find_result
from harness.scoring.reporting import make_report
from harness.track import find_track


@click.command()
@click.argument("results", nargs=-1, required=True)
@options.track
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="File to write.",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the results.",
)
@options.pictures
@options.data_dir
def report(
    results: tuple[str, ...],
    track: str,
    output: Path,
    runs: Path,
    pictures: bool,
    data_dir: Path | None,
) -> int:
    """Write one HTML file of a stored result, or of two and their difference.

    Each is a submission's name, or the path of a result folder. The file needs no
    network and no server, and nothing is run for it.
    """
    name = find_track(track).name
    folders = [find_result(each, runs, name) for each in results]
    with ProgressListener(quiet=False, bars=True, lines=False) as listener:
        made = make_report(
            folders,
            track=track,
            data_dir=data_dir,
            pictures=pictures,
            counter=listener,
        )
    made.write(output)
    click.echo(f"Wrote {output}.", err=True)
    return ExitCode.OK
