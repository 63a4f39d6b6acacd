"""Banks of one test alone, made from the session's."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save

from harness.models.weights import Array, stack_weights
from harness.reference.bank import BANK, ReferenceBank, read_bank, write_bank
from harness.reference.build import build_bank
from harness.reference.location import built_folder
from harness.reference.plan import BuildPlan


@pytest.fixture
def plan(track, bank, own_cache) -> Callable[..., BuildPlan]:
    """A plan for a cache without any bank."""

    def make(n_models: int = 2, **changes: object) -> BuildPlan:
        return replace(BuildPlan(track=track, n_models=n_models, jobs=2), **changes)

    return make


@pytest.fixture
def build(plan) -> Callable[..., tuple[ReferenceBank, list[int]]]:
    """Builds a bank; returns it with the steps that were told."""

    def make(*args: object, **changes: object) -> tuple[ReferenceBank, list[int]]:
        steps: list[int] = []
        return build_bank(plan(*args, **changes), steps.append), steps

    return make


@pytest.fixture
def own_bank(bank, task, own_cache) -> Path:
    """A copy of the session's bank in this test's cache."""
    folder = built_folder(task)
    shutil.copytree(bank.folder, folder)
    return folder


@pytest.fixture
def rewrite(own_bank) -> Callable[..., ReferenceBank]:
    """Writes the bank anew with other content and correct checksums."""

    def make(manifest=None, original=None, **arrays) -> ReferenceBank:
        old = read_bank(own_bank)
        write_bank(
            own_bank,
            replace(old.manifest, **(manifest or {})),
            {**load_file(own_bank / BANK), **arrays},
            save({**stack_weights(old.original_weights), **(original or {})}),
        )
        return read_bank(own_bank)

    return make


@pytest.fixture(scope="session")
def arrays(bank) -> dict[str, Array]:
    """What the session's bank has in its file."""
    return load_file(bank.folder / BANK)
