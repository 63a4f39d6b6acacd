"""What a check compares of a result, and the same computed afresh."""

from dataclasses import replace

from harness.metrics.uncertainty.efficiency import EfficiencyRatio
from harness.results.schema import Efficiency, Metrics, Result
from harness.results.serialization import JsonObject
from harness.scoring.measure import Measurement
from harness.status import Status


def figure(result: Result, metric: str, name: str = "value") -> float | None:
    """Read one number of a metric; None where it was not measured."""
    number: float | None = getattr(getattr(result.metrics, metric), name, None)
    return number


def figures(result: Result) -> JsonObject:
    """Return all that a check computes again, as it stands in ``result.json``."""
    told: JsonObject = {"status": str(result.status), "n_finished": result.n_finished}
    measured = result.metrics.to_dict().items()
    return {**told, **{key: value for key, value in measured if value is not None}}


def recomputed(
    result: Result,
    n_finished: int,
    efficiency: EfficiencyRatio | None,
    measurement: Measurement | None,
) -> Result:
    """Return a result with the figures that its arrays give, and no others."""
    metrics = Metrics() if measurement is None else measurement.metrics()
    if efficiency is None:
        # Nothing was timed, so there is nothing to compute it from.
        status, cost = result.status, result.metrics.efficiency
    else:
        status = Status.OVER_BUDGET if efficiency.over_cap else Status.SCORED
        cost = Efficiency(**vars(efficiency))
    metrics = replace(metrics, efficiency=cost)
    return replace(result, status=status, n_finished=n_finished, metrics=metrics)
