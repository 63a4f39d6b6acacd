"""Build a bank: train what is missing, keep each model as it comes, pack at the end."""

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from harness import __version__
from harness.errors import CheckFailed
from harness.machine import is_gpu, this_machine
from harness.models.records import ModelRecord, read_record
from harness.models.weights import Array, stack_weights
from harness.processes.lifetime import end_with
from harness.reference.bank import (
    FORMAT,
    Manifest,
    ReferenceBank,
    bank_key,
    read_bank,
    stack_members,
    write_bank,
)
from harness.reference.location import bank_folders, built_folder
from harness.reference.member import (
    member_path,
    member_paths,
    original_path,
    read_original,
)
from harness.reference.parallel import Parallel, delayed, stopped_quietly
from harness.reference.shared import SharedBank, shared_bank
from harness.storage.files import explained, make_folder
from harness.storage.lock import only_one
from harness.tasks.base import Task
from harness.tasks.registry import find_task
from harness.track.schema import Track

Step = Callable[[int], None]
Train = Callable[["BuildPlan", list[int]], Generator[int, None, None]]
#: An original model with its weights.
Original = tuple[ModelRecord, dict[str, Array]]


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """What to build: a bank of `n_models` or more, by so many processes here."""

    track: Track
    n_models: int
    jobs: int
    seed: int = 0
    data_dir: Path | None = None

    @cached_property
    def task(self) -> Task:
        """What the models are trained on."""
        return find_task(self.track, self.data_dir)

    @property
    def original_indices(self) -> list[int]:
        """Indices of the original models, which are negative."""
        return [-1 - place for place in range(self.track.evaluation.originals)]

    def side_by_side(self, n_models: int) -> int:
        """Trainings at a time: on a GPU one, for several would share its time."""
        most = 1 if is_gpu(self.track.device) else self.jobs
        return min(most, max(1, n_models))

    @property
    def folder(self) -> Path:
        """Where the bank is built."""
        return built_folder(self.task, self.seed)

    @cached_property
    def shared(self) -> SharedBank | None:
        """Where its models are shared with other builders, if they are."""
        return shared_bank(self.folder.name)


def packed_banks(plan: BuildPlan) -> list[ReferenceBank]:
    """Sound banks of this track, engine and seed, shipped ones first."""
    key = bank_key(plan.task, plan.seed)
    banks = []
    for folder in bank_folders(plan.track.name, key):
        with suppress(CheckFailed):
            banks.append(read_bank(folder))
    return [bank for bank in banks if bank.key == key]


def finished_members(plan: BuildPlan) -> dict[int, ModelRecord]:
    """Members that need no training: of a packed bank, or kept one by one."""
    members: dict[int, ModelRecord] = {}
    for path in member_paths(plan.folder):
        member = read_record(path, ModelRecord)
        if member is not None and path == member_path(plan.folder, member.index):
            members[member.index] = member
    for bank in packed_banks(plan):
        members |= {m.index: m for m in bank.members}
    return members


def finished_originals(plan: BuildPlan) -> dict[int, Original]:
    """Original models that need no training, by their indices."""
    found: dict[int, Original] = {}
    for index in plan.original_indices:
        kept = read_original(original_path(plan.folder, index))
        if kept is not None and kept[0].index == index:
            found[index] = kept
    for bank in packed_banks(plan):
        pairs = zip(bank.original_members, bank.original_weights, strict=True)
        found |= {member.index: (member, weights) for member, weights in pairs}
    return found


def build_bank(
    plan: BuildPlan,
    step: Step,
    say: Callable[[str], None] = lambda text: None,
    train: Train | None = None,
) -> ReferenceBank:
    """Train the missing models, and write the bank into the user's cache.

    It can be killed at any moment and run again: every finished model is kept. Of two
    processes that build the same bank, the second waits, and finds it built. `step` is
    called with the number of finished models as they come, `say` if it must wait.
    `train` makes models, keeps each in its place and yields its index; by default by
    processes here.
    """
    plan.task.sets()  # so that data are fetched once, and missing ones said at once
    found = _large_enough(plan, packed_banks(plan))
    if found is None:
        lock = plan.folder.with_name(f"{plan.folder.name}.lock")
        make_folder(lock.parent)
        with explained(lock), only_one(lock, say):
            packed = packed_banks(plan)
            found = _large_enough(plan, packed)
            if found is None:
                return _build(plan, packed, step, train or _train_all)
    step(plan.n_models)
    return found


def _large_enough(plan: BuildPlan, banks: list[ReferenceBank]) -> ReferenceBank | None:
    """Find a bank that needs no building: it would claim to have been made here."""
    return next((bank for bank in banks if len(bank) >= plan.n_models), None)


def _build(
    plan: BuildPlan, packed: list[ReferenceBank], step: Step, train: Train
) -> ReferenceBank:
    wanted = [*plan.original_indices, *range(plan.n_models)]
    finished = _finished(plan, wanted)
    missing = [index for index in wanted if index not in finished]
    done = plan.n_models - sum(index >= 0 for index in missing)
    step(done)
    for index in _trained(plan, missing, train):
        if index >= 0:
            done += 1
            step(done)
    members, originals = finished_members(plan), finished_originals(plan)
    # In order and without gaps: the first N of a bank must stay the same N.
    size = max(plan.n_models, *(len(bank) for bank in packed), 0)
    ordered = [members[i] for i in range(size)]
    records, weights = zip(*(originals[i] for i in plan.original_indices), strict=True)
    write_bank(
        plan.folder,
        _manifest(
            plan, len(ordered), packed, {r.arithmetic for r in (*ordered, *records)}
        ),
        stack_members(ordered) | stack_members(records, "original_"),
        save(stack_weights(weights)),
    )
    _tidy(plan, size)
    return read_bank(plan.folder)


def _trained(
    plan: BuildPlan, indices: list[int], train: Train
) -> Generator[int, None, None]:
    """Train models, and share each as it comes."""
    with stopped_quietly(train(plan, indices)) as trained:
        for index in trained:
            if plan.shared is not None:
                plan.shared.offer(plan.folder, index)
            yield index


def build_part(
    plan: BuildPlan, part: range, step: Step, train: Train | None = None
) -> None:
    """Train those models of a bank that are missing in a part of it, and keep each.

    It needs nothing of the other parts, so that each may be made anywhere. The original
    models belong to the part that begins with 0.
    """
    plan.task.sets()
    wanted = [*(plan.original_indices if part.start == 0 else ()), *part]
    finished = _finished(plan, wanted)
    missing = [index for index in wanted if index not in finished]
    done = len(wanted) - len(missing)
    step(done)
    for _ in _trained(plan, missing, train or _train_all):
        done += 1
        step(done)


def pack_shared(task: Task, seed: int) -> ReferenceBank | None:
    """Make a bank of the models that others have shared, up to the first gap."""
    plan = BuildPlan(
        track=task.track, n_models=0, jobs=1, seed=seed, data_dir=task.data_dir
    )
    if plan.shared is None:
        return None
    there = plan.shared.indices()
    size = next(index for index in count() if index not in there)
    plan, wanted = replace(plan, n_models=size), [*plan.original_indices, *range(size)]
    if not size or not _finished(plan, wanted).issuperset(wanted):
        return None
    return build_bank(plan, lambda done: None)


def _finished(plan: BuildPlan, wanted: list[int]) -> set[int]:
    """Tell which models need no training, here or where they are shared."""
    packed = {
        member.index
        for bank in packed_banks(plan)
        for member in (*bank.members, *bank.original_members)
    }
    if plan.shared is not None:
        plan.shared.exchange(plan.folder, [i for i in wanted if i not in packed])
    return {*finished_members(plan), *finished_originals(plan)}


def _tidy(plan: BuildPlan, size: int) -> None:
    """Remove the members that are packed now."""
    for index in range(size):
        member_path(plan.folder, index).unlink(missing_ok=True)
    for index in plan.original_indices:
        original_path(plan.folder, index).unlink(missing_ok=True)
    if not member_paths(plan.folder):
        shutil.rmtree(plan.folder / "members", ignore_errors=True)


def _train_all(plan: BuildPlan, indices: list[int]) -> Generator[int, None, None]:
    from harness.reference.training import train_and_keep  # noqa: PLC0415 - torch

    parallel = Parallel(
        n_jobs=plan.side_by_side(len(indices)),
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
        # Worker processes end with this one, however it ends.
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    task = delayed(train_and_keep)
    results: Generator[int, None, None] = parallel(
        task(plan.track, plan.seed, i, plan.data_dir, plan.folder) for i in indices
    )
    return results


def _manifest(
    plan: BuildPlan, n_models: int, packed: list[ReferenceBank], trained_by: set[str]
) -> Manifest:
    machine = this_machine()
    # A bank says it of all its members together; what is kept says it of each.
    kinds = {*trained_by, *(bank.manifest.arithmetic for bank in packed)} - {""}
    kinds = kinds or {machine.arithmetic_on(plan.track.device)}
    return Manifest(
        format=FORMAT,
        key=bank_key(plan.task, plan.seed),
        track=plan.track.name,
        track_hash=plan.track.hash,
        data_hash=plan.task.data_hash,
        engine_version=plan.task.engine_version,
        harness_version=__version__,
        seed=plan.seed,
        n_models=n_models,
        arithmetic=kinds.pop() if len(kinds) == 1 else "mixed",
        machine=machine,
        numpy=np.__version__,
        half_precision=any(bank.manifest.half_precision for bank in packed),
    )
