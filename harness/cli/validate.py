"""``unlearn-eval validate``: two calls through the path that scores, no score."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.run.checkpoints import holds_checkpoints
from harness.run.entry import find_entries
from harness.run.submission import read_submission
from harness.sandbox import choose
from harness.scoring.settings import ScoreSettings
from harness.scoring.validation import Validation, validate_submission

_SHOWN_LINES, _SHOWN_LETTERS = 20, 300


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.track
@options.split_seed
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Repeat just the run with this seed, as a failed result names it.",
)
@options.device
@options.data_dir
@options.isolation
@options.as_json
def validate(
    paths: tuple[Path, ...],
    track: str,
    split_seed: int | None,
    seed: int | None,
    device: str | None,
    data_dir: Path | None,
    isolation: str,
    as_json: bool,
) -> int:
    """Try submissions out: everything that is wrong with each, at once.

    Takes what score takes: .py files, notebooks, folders, zips, checkpoints.

    What reading shows is told in a second. Then the sandbox is started and two runs of
    each are made just as scoring does, side by side where there are cores; never
    scores.
    """
    found = find_entries(paths)
    chosen = options.chosen_track(track, split_seed, device)
    settings = ScoreSettings(track=chosen, n_models=2, n_jobs=1, data_dir=data_dir)
    seeds = None if seed is None else [seed]
    validations, sandbox = [], None
    with ProgressListener(quiet=as_json, bars=True, lines=False) as listener:
        for path in found:
            # What reading alone finds wrong is told before anything is started.
            if sandbox is None and (
                holds_checkpoints(path) or not read_submission(path).problems
            ):
                sandbox = choose(isolation)
            validation = validate_submission(
                path, settings, listener, seeds=seeds, isolation=sandbox
            )
            validations.append(validation)
            if not as_json:
                click.echo(_words(validation))
    if as_json:
        options.echo_json({"validations": [v.to_dict() for v in validations]})
    ok = all(validation.ok for validation in validations)
    return ExitCode.OK if ok else ExitCode.NOT_SCORED


def _words(validation: Validation) -> str:
    name = validation.name
    lines = [f"{name}: " + ("valid" if validation.ok else "not valid")]
    lines += [f"  - {problem}" for problem in validation.problems]
    lines += [f"  note: {note}" for note in validation.notes]
    if validation.traceback:
        lines += ["    " + line for line in validation.traceback.splitlines()]
    if validation.output:
        lines += _printed(validation.output.splitlines())
    return "\n".join(lines)


def _printed(lines: list[str]) -> list[str]:
    """Show the last lines of what was printed, and say how many there are."""
    shown = lines[-_SHOWN_LINES:]
    some = f" (the last {len(shown)} of {len(lines)} lines)"
    head = f"  it printed{some if len(lines) > len(shown) else ''}:"
    return [head, *("    " + line[:_SHOWN_LETTERS] for line in shown)]
