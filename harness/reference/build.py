"""Build a bank: train what is missing, keep each model as it comes, pack at the end."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import BACKENDS
from safetensors.numpy import save

from harness import __version__
from harness.data import DATA_HASH, load_cifar10
from harness.data.splits import split_data
from harness.errors import CheckFailed, UsageError
from harness.machine import this_machine
from harness.reference.bank import (
    FORMAT,
    ORIGINAL,
    ReferenceBank,
    bank_key,
    read_bank,
    stack_members,
    write_bank,
)
from harness.reference.location import built_folder, candidate_folders
from harness.reference.member import Member, member_path, read_member
from harness.track.schema import Track
from harness.training.version import ENGINE_VERSION
from harness.weights import Array

Step = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """What to build.

    Attributes
    ----------
    track : Track
        Whose bank.
    n_models : int
        Retrained models it shall have at least.
    jobs : int
        Processes, one thread each.
    seed : int
        Seed of the bank.
    data_dir : Path, optional
        Where CIFAR-10 lies.
    backend : str, optional
        joblib's backend; by default its own, processes on this machine.
    """

    track: Track
    n_models: int
    jobs: int
    seed: int = 0
    data_dir: Path | None = None
    backend: str | None = None

    def __post_init__(self) -> None:
        if self.backend is not None and self.backend not in BACKENDS:
            known = ", ".join(sorted(BACKENDS))
            raise UsageError(
                f"there is no joblib backend {self.backend!r} here; known: {known}."
            )

    @property
    def folder(self) -> Path:
        """Where the bank is built."""
        return built_folder(self.track, self.seed)


def finished_members(plan: BuildPlan) -> dict[int, Member]:
    """Members that need no training: of a packed bank, or kept one by one."""
    members: dict[int, Member] = {}
    for folder in candidate_folders(plan.track, plan.seed):
        bank = _sound_bank(folder)
        if bank is not None and bank.key == bank_key(plan.track, plan.seed):
            members |= {m.index: m for m in map(bank.member, range(len(bank)))}
    for index in range(plan.n_models):
        member = read_member(member_path(plan.folder, index))
        if index not in members and member is not None and member.index == index:
            members[index] = member
    return members


def _sound_bank(folder: Path) -> ReferenceBank | None:
    try:
        return read_bank(folder)
    except CheckFailed:
        return None


def build_bank(plan: BuildPlan, step: Step) -> ReferenceBank:
    """Train the missing models, and write the bank into the user's cache.

    It can be killed at any moment and run again: every finished model is kept.

    Parameters
    ----------
    plan : BuildPlan
        What to build.
    step : callable
        Called with the number of finished retrained models, as they come.
    """
    load_cifar10(plan.data_dir, progress=True)
    finished = finished_members(plan)
    missing = [i for i in range(plan.n_models) if i not in finished]
    done = plan.n_models - len(missing)
    step(done)
    original, weights = _original(plan)
    for _ in _train_all(plan, missing):
        done += 1
        step(done)
    members = finished_members(plan)
    _pack(plan, [members[i] for i in sorted(members)], original, weights)
    shutil.rmtree(plan.folder / "members", ignore_errors=True)
    return read_bank(plan.folder)


def _train_all(plan: BuildPlan, indices: list[int]) -> Iterator[int]:
    from harness.reference.training import train_and_keep  # noqa: PLC0415 - torch

    parallel = Parallel(
        n_jobs=min(plan.jobs, max(1, len(indices))),
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
        backend=plan.backend,
    )
    task = delayed(train_and_keep)
    results: Iterator[int] = parallel(
        task(plan.track, plan.seed, i, plan.data_dir, plan.folder) for i in indices
    )
    return results


def _original(plan: BuildPlan) -> tuple[Member, dict[str, Array]]:
    """Take the original model of an earlier bank, or train it."""
    for folder in candidate_folders(plan.track, plan.seed):
        bank = _sound_bank(folder)
        if bank is not None and bank.key == bank_key(plan.track, plan.seed):
            return bank.original, bank.original_weights
    from harness.reference.training import ORIGINAL_INDEX, train_member  # noqa: PLC0415

    # In a process of its own, like all the others: same thread count, same bits.
    task = delayed(train_member)
    trained = Parallel(n_jobs=2)(
        [task(plan.track, plan.seed, ORIGINAL_INDEX, plan.data_dir)]
    )
    member, weights = trained[0]
    return member, weights


def _pack(
    plan: BuildPlan, members: list[Member], original: Member, weights: dict[str, Array]
) -> None:
    split = split_data(load_cifar10(plan.data_dir), plan.track.data)
    arrays = (
        stack_members(members)
        | stack_members([original], "original_")
        | {
            "forget_targets": split.forget.targets,
            "test_targets": split.test.targets,
        }
    )
    write_bank(plan.folder, _manifest(plan, len(members)), arrays, save(weights))


def _manifest(plan: BuildPlan, n_models: int) -> dict[str, Any]:
    machine = this_machine()
    return {
        "format": FORMAT,
        "key": bank_key(plan.track, plan.seed),
        "track": plan.track.name,
        "track_hash": plan.track.hash,
        "data_hash": DATA_HASH,
        "engine_version": ENGINE_VERSION,
        "harness_version": __version__,
        "seed": plan.seed,
        "n_models": n_models,
        "arithmetic": machine.arithmetic,
        "machine": asdict(machine),
        "original": ORIGINAL,
        "numpy": np.__version__,
    }
