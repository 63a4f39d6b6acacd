"""Which machines made the runs of a result, and what retraining cost on each."""

from collections.abc import Sequence
from dataclasses import replace

from harness.machine import named_machine, this_machine
from harness.models.records import RunRecord
from harness.results.schema import MachineCost
from harness.run.calibration import Calibration
from harness.run.cost import cost_seconds
from harness.run.messages import Usage


def cost_of(run: RunRecord, device: str) -> float:
    """Cost of a run in seconds."""
    return cost_seconds(Usage(run.cpu_seconds, run.wall_seconds, 0), device)


def by_machine(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Group runs by their machines; one without a name is the only one."""
    found: dict[str, list[RunRecord]] = {}
    for run in runs:
        found.setdefault(run.machine, []).append(run)
    return found


def all_seconds(runs: Sequence[RunRecord]) -> tuple[float, ...]:
    """Join what several workers of one machine have measured, each once."""
    distinct = dict.fromkeys(run.retraining_seconds for run in runs)
    return tuple(seconds for measured in distinct for seconds in measured)


def machine_costs(runs: Sequence[RunRecord]) -> tuple[MachineCost, ...]:
    """List the machines of a cluster that made runs, and what retraining cost there."""
    return tuple(
        MachineCost(
            name=name,
            arithmetic=made[0].arithmetic,
            n_runs=len(made),
            retraining_seconds=all_seconds(made),
        )
        for name, made in sorted(by_machine(runs).items())
        if name
    )


def made_here(run: RunRecord, retraining: Calibration, device: str) -> RunRecord:
    """Name this machine as a run's, unless it was made on another one."""
    if run.machine:
        return run
    return replace(
        run,
        machine=named_machine(),
        arithmetic=this_machine().arithmetic_on(device),
        retraining_seconds=tuple(retraining.seconds),
    )
