"""Score checkpoints that were made elsewhere: everything but their cost is measured."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.errors import UsageError
from harness.execution.local import Job
from harness.models.weights import WeightSpec
from harness.plain_text import harmless
from harness.results.schema import About, Efficiency
from harness.results.store import ResultFolder
from harness.run.checkpoints import CheckpointSet, holds_checkpoints, read_checkpoints
from harness.run.messages import CheckpointRequest, Failure
from harness.run.submission import (
    Submission,
    distinct,
    find_submissions,
    read_submission,
)
from harness.scoring.provenance import about_submission
from harness.seeds import derive_seed
from harness.status import Status

COST_UNKNOWN = "cost unknown: made elsewhere"
#: What is scored: a file to run, or what such a file has made.
Entry = Submission | CheckpointSet

# Torch itself takes most of it; the rest holds a checkpoint in all its precisions.
_MEMORY_BYTES, _COPIES = 4 << 30, 16
_LIMIT_SECONDS = 120.0


def find_entries(paths: Iterable[Path]) -> list[Path]:
    """List what there is to score: submissions' files, zips and checkpoint folders.

    Raises
    ------
    UsageError
        If a path does not exist or holds nothing to score, a folder holds both kinds,
        or two have one name.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists() or not holds_checkpoints(path):
            found += find_submissions([path])
        elif path.is_dir() and any(path.glob("[!_.]*.py")):
            raise UsageError(
                f"the folder {path} holds submissions and checkpoints; give the .py "
                "files by name, or move the checkpoints to a folder of their own."
            )
        else:
            found.append(path)
    return distinct(found)


def read_entry(path: Path, n_models: int, spec: WeightSpec) -> Entry:
    """Read a submission, or find and vet N checkpoints of a network.

    Raises
    ------
    UsageError
        If there is no such file.
    """
    if path.exists() and holds_checkpoints(path):
        return read_checkpoints(path, n_models, spec.n_bytes)
    return read_submission(path)


def keep_entry(entry: Entry, folder: ResultFolder) -> None:
    """Keep a submission's source, or the list of the checkpoints: not their weights."""
    if isinstance(entry, CheckpointSet):
        folder.keep_source("checkpoints.csv", entry.table())
    else:
        folder.keep_source("submission.py", entry.source)


def about_entry(entry: Entry) -> About:
    """Describe what is scored."""
    if isinstance(entry, Submission):
        return about_submission(entry)
    title = f"{harmless(entry.name)} (checkpoints)"
    plain = Submission(entry.name, entry.path, "", title=title)
    return replace(about_submission(plain), sha256=entry.sha256, made="elsewhere")


def checkpoint_seeds(entry: CheckpointSet) -> list[int]:
    """Stand-ins for seeds: another content is another run."""
    return [derive_seed("checkpoint", c.sha256) for c in entry.checkpoints]


def checkpoint_jobs(
    entry: CheckpointSet, missing: Iterable[int], spec: WeightSpec
) -> list[Job]:
    """Have checkpoints read, each confined as a run is.

    Parameters
    ----------
    entry : CheckpointSet
        Where they are.
    missing : iterable of int
        Which of them, by their places in the set.
    spec : WeightSpec
        What they hold.
    """
    seeds, memory = checkpoint_seeds(entry), _MEMORY_BYTES + _COPIES * spec.n_bytes
    jobs = []
    for index in missing:
        read = partial(entry.read, entry.checkpoints[index])
        request = CheckpointRequest(read, seeds[index], memory)
        jobs.append(Job(index, request, _LIMIT_SECONDS))
    return jobs


def checkpoint_failure(entry: CheckpointSet, index: int, failure: Failure) -> Failure:
    """Say which checkpoint it was."""
    subject = f"checkpoint {entry.checkpoints[index].number}"
    reason = failure.reason.replace("it returned weights", "it holds weights")
    if failure.status is Status.TIMEOUT:
        reason = f"it could not be read in {_LIMIT_SECONDS:.0f} s."
    if reason.startswith("it "):
        reason = f"{subject} {reason.removeprefix('it ')}"
    else:
        reason = f"{subject}: {reason}"
    return Failure(failure.status, reason, failure.traceback)


def unknown_efficiency(cap: float) -> Efficiency:
    """Return the efficiency of what was made elsewhere: null, and why."""
    return Efficiency(cap=cap, reason=COST_UNKNOWN)
