"""``unlearn-eval compare``: whether one result is better than another, and how much."""

from pathlib import Path

import click

from harness.cli import options
from harness.errors import ExitCode
from harness.results.lookup import find_result
from harness.results.serialization import to_json
from harness.scoring.compare import compare_results
from harness.track import find_track


@click.command()
@click.argument("first")
@click.argument("second")
@options.track
@options.output
@options.as_json
def compare(first: str, second: str, track: str, output: Path, as_json: bool) -> int:
    """Compare two stored results: FIRST minus SECOND.

    Each is a submission's name, or the path of a result folder. They must be of the
    same track, split, bank and N.
    """
    track = find_track(track).name
    folders = [find_result(name, output, track) for name in (first, second)]
    difference, names = compare_results(*folders)
    verdict = difference.verdict(*names)
    if as_json:
        content = {
            "first_submission": names[0],
            "second_submission": names[1],
            **to_json(difference),
            "separable": difference.separable,
            "verdict": verdict,
        }
        options.echo_json(content)
        return ExitCode.OK
    click.echo(f"{names[0]}: {difference.quantity} {difference.first:.4f}")
    click.echo(f"{names[1]}: {difference.quantity} {difference.second:.4f}")
    click.echo(f"p = {difference.p_value:.3g}; {verdict}.")
    return ExitCode.OK
