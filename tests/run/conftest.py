"""One template for the whole session, and one call of any source through it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.models.weights import WeightSpec
from harness.run.inputs import RUN_SETS, sets_named, write_inputs
from harness.run.messages import Limit, RunReport, RunRequest
from harness.run.worker import RunWorker
from harness.sandbox import Level, Sandbox

PATIENCE = Limit(wall_seconds=60.0)


@pytest.fixture(scope="session")
def spec(bank) -> WeightSpec:
    return WeightSpec.of(bank.original_weights[0])


@pytest.fixture(scope="session")
def inputs_folder(task, split, bank, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    sets = sets_named(split, RUN_SETS)
    write_inputs(folder, task, "cpu", bank.original_weights, sets)
    return folder


@pytest.fixture(scope="session")
def worker(inputs_folder, spec) -> Iterator[RunWorker]:
    with RunWorker(inputs_folder, spec, Sandbox(Level.NONE)) as worker:
        yield worker


@pytest.fixture
def call(worker) -> Callable[..., RunReport]:
    """Call a submission once, given as its source or as the body of its function."""

    def make(
        source: str, *, seed: int = 0, limit: Limit = PATIENCE, **options
    ) -> RunReport:
        request = RunRequest("method.py", source, seed, limit=limit, **options)
        return worker.run(request)

    return make


@pytest.fixture
def call_body(call) -> Callable[..., RunReport]:
    """Call a submission of which only the function's body is given."""

    def make(body: str, **options) -> RunReport:
        lines = ["import os, sys, torch", HEAD, *(f"    {x}" for x in body.split("\n"))]
        return call("\n".join(lines), **options)

    return make


HEAD = "def unlearning(net, retain, forget, validation):"
