"""``unlearn-eval estimate``: the metric on anyone's arrays."""

from pathlib import Path

import click
import numpy as np

from harness.cli import options
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode, UsageError
from harness.metrics.inputs.array_file import read_confidences
from harness.metrics.official.epsilon import DELTA
from harness.results.metric_lines import diagnosis_lines, metric_lines, precision_lines
from harness.results.schema import Number
from harness.results.serialization import to_json
from harness.run.checkpoints import holds_checkpoints
from harness.run.checkpoints.selection import PATTERN
from harness.run.entry import as_address
from harness.scoring.estimate import Estimate, PointEstimate, estimate_arrays


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--delta",
    type=click.FloatRange(0, 1, max_open=True),
    default=DELTA,
    show_default=True,
    help="The delta of (epsilon, delta)-unlearning.",
)
@click.option("--official-only", is_flag=True, help="The official metric alone.")
@options.as_json
def estimate(file: Path, delta: float, official_only: bool, as_json: bool) -> int:
    """Compute the metric on FILE.npz.

    FILE holds `unlearned` and `retrained`: [models, examples] logit-scaled confidences,
    or [models, examples, classes] logits together with `targets` [examples]. With
    logits of a held-out set beside them, `unlearned_test`, `retrained_test` and
    `test_targets`, F of calibrated models is given too.
    """
    if remedy := _instead(file):
        raise UsageError(f"{as_address(file) or file} is no file of arrays: {remedy}.")
    models = read_confidences(file)
    with ProgressListener(quiet=as_json, bars=True, lines=False) as listener:
        listener.begin("measuring", 1, 0)
        found = estimate_arrays(*models, delta=delta, everything=not official_only)
    if as_json:
        options.echo_json(to_json(found))
    else:
        click.echo(_words(found))
    return ExitCode.OK


def _instead(file: Path) -> str:
    """Say what would work with something else than arrays."""
    if as_address(file):
        return "it is an address; download the file, and give its path"
    if file.suffix in (".py", ".ipynb"):
        return "it is a method's source; score it with unlearn-eval score"
    if file.suffix in (".pth", ".pt", ".ckpt", ".safetensors"):
        return (
            f"it is one checkpoint; put N as {PATTERN} into a folder or a zip, and "
            "score that with unlearn-eval score"
        )
    if file.suffix == ".zip" or (file.is_dir() and holds_checkpoints(file)):
        return f"score the checkpoints in it with unlearn-eval score {file}"
    return ""


def _words(found: Estimate) -> str:
    calibrated = found.calibrated_forgetting_quality
    lines = [f"forgetting quality F  {_with_interval(found.forgetting_quality)}"]
    if calibrated is not None:
        lines.append(f"calibrated F          {_with_interval(calibrated)}")
    lines += [
        f"median epsilon        {float(np.median(found.epsilon)):.4f}",
        f"unlearned models N    {found.n_models}",
        f"examples S            {found.n_examples}",
        f"undetermined          {found.undetermined}",
    ]
    if found.diagnosis is not None:
        lines += ["", *diagnosis_lines(found.diagnosis, calibrated is not None)]
    if found.metrics is not None:
        lines += ["", *metric_lines(found.metrics)]
        lines += ["", "F against the number of models:"]
        lines += precision_lines(found.precision or ())
    lines += [f"! {flag.message}" for flag in found.flags or ()]
    return "\n".join(lines)


def _with_interval(quality: Number | PointEstimate) -> str:
    if isinstance(quality, Number) and quality.low is not None:
        interval = f"  (95 % interval {quality.low:.4f} to {quality.high:.4f})"
        return f"{quality.value:.6f}{interval}"
    return f"{quality.value:.6f}"
