"""``unlearn-eval tracks``: what there is to score on."""

import click

from harness.cli import options
from harness.errors import CheckFailed, ExitCode, UsageError
from harness.reference import find_bank
from harness.tasks.registry import find_task
from harness.track import Track, find_track, track_names


@click.command()
@options.as_json
def tracks(as_json: bool) -> int:
    """List the tracks and their reference banks."""
    rows = [_row(find_track(name)) for name in track_names()]
    if as_json:
        options.echo_json({"tracks": rows})
        return ExitCode.OK
    width = 2 + max(len(str(row["name"])) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:<{width}}{row['description']}")
        click.echo(f"{'':<{width}}N = {row['n_models']}; bank: {row['bank']}")
    return ExitCode.OK


def _row(track: Track) -> dict[str, object]:
    try:
        bank = f"{len(find_bank(find_task(track)))} retrained models"
    except CheckFailed as error:
        bank = str(error)
    except UsageError:
        bank = f"not built (unlearn-eval reference build {track.options})"
    return {
        "name": track.name,
        "description": track.description,
        "hash": track.hash,
        "device": track.device,
        "n_models": track.evaluation.n_models,
        "bank": bank,
    }
