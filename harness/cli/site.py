"""``unlearn-eval site``: the committed leaderboards as pages for any static host."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.leaderboard.board import default_board
from harness.leaderboard.site import SiteRequest, write_site


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@options.board
@options.pictures
@options.n_jobs
@options.data_dir
def site(
    folder: Path,
    board: Path | None,
    pictures: bool,
    n_jobs: int | None,
    data_dir: Path | None,
) -> int:
    """Write the leaderboards as a static site into FOLDER.

    A page a track, a page a submission, one for each row against the next, and one
    for any two rows.
    """
    with ProgressListener(quiet=False, bars=True, lines=False) as listener:
        request = SiteRequest(
            boards=board or default_board(),
            target=folder,
            data_dir=data_dir,
            pictures=pictures,
            n_jobs=options.chosen_jobs(n_jobs),
            counter=listener,
        )
        written = write_site(request)
    pages = sum(track.pages for track in written) + 1
    click.echo(f"Wrote {pages} pages; begin at {folder / 'index.html'}.", err=True)
    return ExitCode.OK
