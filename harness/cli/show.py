"""``unlearn-eval show``: a stored result's score card again."""

from pathlib import Path

import click

from harness.cli import options
from harness.errors import ExitCode
from harness.results.card import score_card
from harness.results.lookup import find_result
from harness.results.metric_lines import metric_lines, precision_lines
from harness.results.schema import Result
from harness.track import find_track


@click.command()
@click.argument("result")
@options.track
@options.output
@options.as_json
@options.verbose
def show(result: str, track: str, output: Path, as_json: bool, verbose: bool) -> int:
    """Print the score card of a stored RESULT again.

    It is a submission's name, or the path of a result folder.
    """
    folder = find_result(result, output, find_track(track).name)
    found = folder.read()
    if as_json:
        options.echo_json(found.to_dict())
    else:
        echo_card(found, verbose=verbose)
    return ExitCode.OK


def echo_card(result: Result, *, verbose: bool) -> None:
    """Print a card, and with `verbose` the metrics of the literature."""
    click.echo(score_card(result))
    if verbose and result.is_complete:
        click.echo("\n".join(["", *metric_lines(result.metrics.metrics), ""]))
        click.echo("\n".join(precision_lines(result.metrics.precision)))
