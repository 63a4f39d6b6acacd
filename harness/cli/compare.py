"""``unlearn-eval compare``: whether one result is better than another, and how much."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.metrics.uncertainty.paired import PairedDifference
from harness.results.lookup import find_result
from harness.results.serialization import JsonObject, to_json
from harness.scoring.compare import ComparedResults, compare_results
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
    with ProgressListener(quiet=as_json, bars=True, lines=False) as listener:
        found = compare_results(*folders, counter=listener)
    if as_json:
        told = {} if found.calibrated is None else _content(found.calibrated, found)
        content = {
            "first_submission": found.names[0],
            "second_submission": found.names[1],
            **_content(found.official, found),
            "calibrated": told or None,
        }
        options.echo_json(content)
        return ExitCode.OK
    for difference in filter(None, (found.calibrated, found.official)):
        for name, value in zip(
            found.names, (difference.first, difference.second), strict=True
        ):
            click.echo(f"{name}: {difference.quantity} {value:.4f}")
        verdict = difference.verdict(*found.names)
        click.echo(f"{difference.p_words}; {verdict}.")
    return ExitCode.OK


def _content(difference: PairedDifference, found: ComparedResults) -> JsonObject:
    return {
        **to_json(difference),
        "separable": difference.separable,
        "verdict": difference.verdict(*found.names),
    }
