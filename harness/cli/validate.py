"""``unlearn-eval validate``: two calls through the path that scores, no score."""

from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.run.entry import find_submissions
from harness.sandbox import choose
from harness.scoring.settings import ScoreSettings
from harness.scoring.validation import Validation, validate_submission


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

    Makes two runs of each just as scoring does; never scores.
    """
    found = find_submissions(paths)
    chosen = options.chosen_track(track, split_seed, device)
    settings = ScoreSettings(track=chosen, n_models=2, n_jobs=1, data_dir=data_dir)
    listener = ProgressListener(quiet=as_json, bars=False)
    validations, sandbox = [], choose(isolation)
    for path in found:
        seeds = None if seed is None else [seed]
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
        lines.append("  it printed:")
        lines += ["    " + line for line in validation.output.splitlines()[-20:]]
    return "\n".join(lines)
