"""What a bank is to be made of, and which of its models are finished."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import CheckFailed
from harness.machine import is_gpu, usual_jobs
from harness.models.records import ModelRecord, read_record
from harness.models.weights import Array
from harness.reference.bank import ReferenceBank, bank_key, read_bank
from harness.reference.location import bank_folders, built_folder
from harness.reference.member import (
    member_path,
    member_paths,
    original_path,
    read_original,
)
from harness.reference.shared import SharedBank, shared_bank
from harness.tasks.base import Task
from harness.tasks.registry import find_task
from harness.track.schema import Track

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
        """Trainings at a time: on each GPU one, for several would share its time."""
        device = self.track.device
        most = usual_jobs(device) if is_gpu(device) else self.jobs
        return min(most, self.jobs, max(1, n_models))

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


def exchange_finished(plan: BuildPlan, wanted: list[int]) -> set[int]:
    """Tell which models need no training, here or where they are shared."""
    packed = {
        member.index
        for bank in packed_banks(plan)
        for member in (*bank.members, *bank.original_members)
    }
    if plan.shared is not None:
        plan.shared.exchange(plan.folder, [i for i in wanted if i not in packed])
    return {*finished_members(plan), *finished_originals(plan)}
