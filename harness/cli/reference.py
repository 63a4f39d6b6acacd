"""``unlearn-eval reference``: build, verify and look at reference banks."""

from dataclasses import asdict
from pathlib import Path

import click

from harness.cli import options
from harness.cli.progress import ProgressListener, resuming
from harness.errors import ExitCode, UsageError
from harness.reference import ReferenceBank, find_largest_bank
from harness.reference.bank import BANK, MANIFEST, ORIGINALS
from harness.reference.build import build_bank, build_part
from harness.reference.parallel import why_serial
from harness.reference.plan import BuildPlan
from harness.reference.verify import verify_bank
from harness.storage.files import write_atomic
from harness.tasks.registry import find_task
from harness.track import find_track


@click.group()
def reference() -> None:
    """Build, verify and look at a track's reference bank of retrained models."""


@reference.command()
@options.track
@options.split_seed
@options.n_models
@options.n_jobs
@options.device
@options.data_dir
@options.bank
@options.scheduler
@click.option(
    "--only",
    metavar="FROM:TO",
    help="Make just these of the models, as 0:64, and pack no bank: a part that needs "
    "nothing of the others.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Also copy the finished bank into this folder.",
)
@options.quiet
@options.progress
@resuming("finished models")
def build(
    track: str,
    split_seed: int | None,
    n_models: int | None,
    n_jobs: int | None,
    device: str | None,
    data_dir: Path | None,
    scheduler: str | None,
    only: str | None,
    output: Path | None,
    quiet: bool,
    progress: bool,
) -> int:
    """Train the original model and the retrained models that are missing.

    Kill it at any moment and run it again: finished models are kept.
    """
    elsewhere = scheduler is not None
    chosen = options.chosen_track(track, split_seed, device, elsewhere=elsewhere)
    wanted = chosen.evaluation.bank_size if n_models is None else n_models
    if wanted < 2:
        raise UsageError(f"--n-models {wanted} is too few: a bank has at least 2.")
    plan = BuildPlan(
        track=chosen,
        n_models=wanted,
        jobs=options.jobs_here(n_jobs, wanted, chosen.device, elsewhere=elsewhere),
        data_dir=data_dir,
    )
    part = None if only is None else _part(only, wanted)
    if part is not None and output is not None:
        raise UsageError(
            "--only makes a part of a bank, and -o copies a whole one: build it whole "
            "with -o, without --only."
        )
    total = wanted if part is None else len(part)
    if part is not None and part.start == 0:
        total += len(plan.original_indices)
    begun = False

    def step(done: int) -> None:
        nonlocal begun
        if not begun:
            listener.begin(f"reference bank of {chosen.name}", total, done)
            begun = True
        else:
            listener.advance()

    with (
        ProgressListener(quiet=quiet, bars=progress) as listener,
        options.chosen_cluster(scheduler, n_jobs, listener.say) as cluster,
    ):
        if plan.jobs > 1 and why_serial():
            listener.say(f"{why_serial()}.")
        train = None if cluster is None else cluster.trainer(plan)
        if part is not None:
            build_part(plan, part, step, train)
            click.echo(
                f"{chosen.name}: models {part.start} to {part.stop - 1} of {wanted} "
                "are there."
            )
            return ExitCode.OK
        bank = build_bank(plan, step, listener.say, train)
    if output is not None:
        for name in (BANK, ORIGINALS, MANIFEST):
            write_atomic(output / name, (bank.folder / name).read_bytes())
    click.echo(_summary(bank))
    return ExitCode.OK


def _part(words: str, n_models: int) -> range:
    """Read which models of a bank are to be made."""
    first, _, end = words.partition(":")
    if first.isdecimal() and end.isdecimal() and int(first) < int(end) <= n_models:
        return range(int(first), int(end))
    raise UsageError(
        f"--only {words} is no part of {n_models} models; give the first and the one "
        f"after the last, such as 0:{n_models // 2 or 1}."
    )


@reference.command()
@options.track
@options.split_seed
@click.option(
    "-n",
    "--n-models",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Members to train again.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Which members; by default drawn afresh.",
)
@options.device
@options.data_dir
@options.bank
@options.as_json
def verify(
    track: str,
    split_seed: int | None,
    n_models: int,
    seed: int | None,
    device: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> int:
    """Train a few members again, and test that they belong to the bank.

    To the bit on the kind of machine that built it, by their distribution elsewhere.
    """
    chosen = options.chosen_track(track, split_seed, device)
    bank = find_largest_bank(find_task(chosen, data_dir))
    with ProgressListener(quiet=as_json, bars=True, lines=False) as listener:
        verification = verify_bank(
            bank, chosen, n_models, seed=seed, data_dir=data_dir, counter=listener
        )
    if as_json:
        options.echo_json(verification._asdict())
    else:
        verdict = "verified" if verification.ok else "NOT verified"
        click.echo("\n".join([*verification.lines, verdict]))
    return ExitCode.OK if verification.ok else ExitCode.CHECK_FAILED


@reference.command()
@options.track
@options.split_seed
@options.bank
@options.as_json
def info(track: str, split_seed: int | None, as_json: bool) -> int:
    """Show what bank there is."""
    bank = find_largest_bank(find_task(find_track(track, split_seed=split_seed)))
    if as_json:
        options.echo_json({**asdict(bank.manifest), "accuracies": _accuracies(bank)})
    else:
        click.echo(_summary(bank))
    return ExitCode.OK


def _accuracies(bank: ReferenceBank) -> dict[str, dict[str, float]]:
    return {
        of: {
            "retrained": float(bank.retrained.accuracy(of).mean()),
            "retrained_sd": float(bank.retrained.accuracy(of).std(ddof=1)),
            "original": float(bank.original.accuracy(of).mean()),
        }
        for of in ("retain", "forget", "test")
    }


def _summary(bank: ReferenceBank) -> str:
    manifest = bank.manifest
    machine, seconds = manifest.machine, bank.seconds
    lines = [
        f"bank {bank.key} of {manifest.track} (track {manifest.track_hash})",
        f"{len(bank)} retrained models, {seconds.mean():.1f} CPU seconds each",
        f"built on {machine.processor}, torch {machine.torch}",
        f"{'accuracy':<10}{'retrained':>10}{'sd':>8}{'original':>10}",
    ]
    for of, row in _accuracies(bank).items():
        lines.append(
            f"{of:<10}{row['retrained']:>10.4f}{row['retrained_sd']:>8.4f}"
            f"{row['original']:>10.4f}"
        )
    return "\n".join(lines)
