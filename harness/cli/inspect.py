"""``unlearn-eval tracks`` and ``doctor``: what there is, and whether it works."""

import json

import click

from harness.cli.doctor_checks import examine
from harness.cli.options import json_option
from harness.errors import CheckFailed, ExitCode, UsageError
from harness.reference import find_bank
from harness.tasks.registry import find_task
from harness.track import Track, find_track, track_names


@click.command()
@json_option
def tracks(as_json: bool) -> int:
    """List the tracks and their reference banks."""
    rows = [_row(find_track(name)) for name in track_names()]
    if as_json:
        click.echo(json.dumps({"tracks": rows}, indent=2))
        return ExitCode.OK
    for row in rows:
        click.echo(f"{row['name']:<15}{row['description']}")
        click.echo(f"{'':<15}N = {row['n_models']}; bank: {row['bank']}")
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


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check this installation: packages, data, banks, what runs are kept apart by."""
    checks = examine()
    if as_json:
        listing = {"checks": [check._asdict() for check in checks]}
        click.echo(json.dumps(listing, indent=2))
    else:
        for check in checks:
            click.echo(f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.words}")
    healthy = all(check.ok or not check.needed for check in checks)
    return ExitCode.OK if healthy else ExitCode.CHECK_FAILED
