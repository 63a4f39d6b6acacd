"""The metric on anyone's arrays, as ``estimate`` shows it."""

from dataclasses import dataclass, replace
from typing import Literal

from harness.metrics.flags.flag import Flag
from harness.metrics.literature.metric_value import MetricValue
from harness.metrics.official.diagnosis import Diagnosis
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.models.outputs import ModelOutputs
from harness.results.schema import Number
from harness.results.serialization import left_out
from harness.scoring.measure import Measurement
from harness.scoring.reference import Reference


@dataclass(frozen=True, kw_only=True)
class PointEstimate:
    """F alone."""

    value: float
    direction: Literal["higher"] = "higher"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What ``estimate`` gives; its fields are the keys of ``estimate --json``.

    Attributes
    ----------
    epsilon : tuple of float
        Of each example.
    forgetting_quality : Number or PointEstimate
        With its intervals, or F alone.
    calibrated_forgetting_quality : Number or PointEstimate
        The same of calibrated models; a key only where logits of a held-out set came
        along.
    n_models, n_retrained, n_examples : int
        N, M and S.
    undetermined, peaky : int
        Examples whose ε could not be determined, and those that count as peaky.
    diagnosis, metrics, flags, precision
        As in ``result.json``; None where the official metric alone was asked for.
    """

    epsilon: tuple[float, ...]
    forgetting_quality: Number | PointEstimate
    calibrated_forgetting_quality: Number | PointEstimate | None = left_out()  # noqa: RUF009 - makes a field
    n_models: int
    n_retrained: int
    n_examples: int
    undetermined: int
    peaky: int
    diagnosis: Diagnosis | None = left_out()  # noqa: RUF009 - makes a field
    metrics: tuple[MetricValue, ...] | None = left_out()
    flags: tuple[Flag, ...] | None = left_out()
    precision: tuple[SampleSizeRow, ...] | None = left_out()


def estimate_arrays(
    unlearned: ModelOutputs, retrained: ModelOutputs, *, delta: float, everything: bool
) -> Estimate:
    """Compute the official metric, and the others where asked.

    Parameters
    ----------
    unlearned, retrained : ModelOutputs
        Of N and of M models on the same examples.
    delta : float
        The δ of (ε, δ)-unlearning.
    everything : bool
        Also intervals, flags and the metrics of the literature.
    """
    reference = Reference(retrained, len(retrained), delta=delta)
    measurement = Measurement(unlearned, reference)
    official, calibrated = measurement.official, measurement.calibrated
    found = Estimate(
        epsilon=tuple(official.epsilon.tolist()),
        forgetting_quality=PointEstimate(value=official.forgetting_quality),
        calibrated_forgetting_quality=PointEstimate(
            value=calibrated.official.forgetting_quality
        )
        if calibrated
        else None,
        n_models=len(unlearned),
        n_retrained=len(retrained),
        n_examples=unlearned.n_examples,
        undetermined=int(official.undetermined.sum()),
        peaky=int(official.peaky.sum()),
    )
    if not everything:
        return found
    metrics = measurement.metrics()
    return replace(
        found,
        forgetting_quality=measurement.forgetting_quality,
        calibrated_forgetting_quality=metrics.calibrated_forgetting_quality,
        diagnosis=metrics.diagnosis,
        metrics=metrics.metrics,
        flags=metrics.flags,
        precision=metrics.precision,
    )
