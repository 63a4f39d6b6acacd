"""Pack the finished models of a bank into its files."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import numpy as np
from safetensors.numpy import save

from harness import __version__
from harness.machine import this_machine
from harness.models.weights import stack_weights
from harness.reference.bank import (
    FORMAT,
    Manifest,
    ReferenceBank,
    bank_key,
    read_bank,
    stack_members,
    write_bank,
)
from harness.reference.member import member_path, member_paths, original_path
from harness.reference.plan import (
    BuildPlan,
    exchange_finished,
    finished_members,
    finished_originals,
    packed_banks,
)
from harness.storage.files import explained, make_folder
from harness.storage.lock import only_one
from harness.tasks.base import Task


def large_enough(plan: BuildPlan) -> ReferenceBank | None:
    """Find a bank that needs no building: it would claim to have been made here."""
    return next((b for b in packed_banks(plan) if len(b) >= plan.n_models), None)


@contextmanager
def only_builder(
    plan: BuildPlan, say: Callable[[str], None] = lambda text: None
) -> Iterator[None]:
    """Let nobody else here build the bank; `say` if one must wait."""
    lock = plan.folder.with_name(f"{plan.folder.name}.lock")
    make_folder(lock.parent)
    with explained(lock), only_one(lock, say):
        yield


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
    if not size or not exchange_finished(plan, wanted).issuperset(wanted):
        return None
    with only_builder(plan):
        return large_enough(plan) or pack(plan)


def pack(plan: BuildPlan) -> ReferenceBank:
    """Write the bank, all of whose models are finished, and remove what is in it now.

    In order and without gaps: the first N of a bank must stay the same N.
    """
    packed = packed_banks(plan)
    size = max(plan.n_models, *(len(bank) for bank in packed), 0)
    finished, originals = finished_members(plan), finished_originals(plan)
    members = [finished[i] for i in range(size)]
    records, weights = zip(*(originals[i] for i in plan.original_indices), strict=True)
    trained_by = {record.arithmetic for record in (*members, *records)}
    write_bank(
        plan.folder,
        _manifest(plan, size, packed, trained_by),
        stack_members(members) | stack_members(records, "original_"),
        save(stack_weights(weights)),
    )
    _tidy(plan, size)
    return read_bank(plan.folder)


def _tidy(plan: BuildPlan, size: int) -> None:
    """Remove the members that are packed now."""
    for index in range(size):
        member_path(plan.folder, index).unlink(missing_ok=True)
    for index in plan.original_indices:
        original_path(plan.folder, index).unlink(missing_ok=True)
    if not member_paths(plan.folder):
        shutil.rmtree(plan.folder / "members", ignore_errors=True)


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
