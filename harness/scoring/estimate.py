"""The metric on anyone's arrays, as ``estimate`` shows it."""

from typing import Any

from harness.metrics.inputs.confidence import ConfidencePair
from harness.scoring.measure import Measurement, Side, Yardstick


def estimate_arrays(
    pair: ConfidencePair, *, delta: float, everything: bool
) -> dict[str, Any]:
    """Compute the official metric, and the others where asked.

    Parameters
    ----------
    pair : ConfidencePair
        Confidences of unlearned ``[N, S]`` and retrained ``[M, S]`` models.
    delta : float
        The δ of (ε, δ)-unlearning.
    everything : bool
        Also intervals, flags and the field's other metrics.
    """
    n_models, n_retrained = len(pair.unlearned), len(pair.retrained)
    yardstick = Yardstick(Side(pair.retrained), n_retrained, delta=delta)
    measurement = Measurement(Side(pair.unlearned), yardstick)
    official = measurement.official
    quality = {"value": official.forgetting_quality, "direction": "higher"}
    return {
        "epsilon": official.epsilon.tolist(),
        "forgetting_quality": measurement.headline()["forgetting_quality"]
        if everything
        else quality,
        "n_models": n_models,
        "n_retrained": n_retrained,
        "n_examples": pair.unlearned.shape[1],
        "undetermined": int(official.undetermined.sum()),
        "peaky": int(official.peaky.sum()),
        **(measurement.others() if everything else {}),
    }
