"""The metric on anyone's arrays, as ``estimate`` shows it."""

from typing import Any

from harness.models.outputs import ModelOutputs
from harness.scoring.measure import Measurement, Yardstick


def estimate_arrays(
    unlearned: ModelOutputs, retrained: ModelOutputs, *, delta: float, everything: bool
) -> dict[str, Any]:
    """Compute the official metric, and the others where asked.

    Parameters
    ----------
    unlearned, retrained : ModelOutputs
    delta : float
        The δ of (ε, δ)-unlearning.
    everything : bool
        Also intervals, flags and the field's other metrics.
    """
    yardstick = Yardstick(retrained, len(retrained), delta=delta)
    measurement = Measurement(unlearned, yardstick)
    official = measurement.official
    quality = {"value": official.forgetting_quality, "direction": "higher"}
    return {
        "epsilon": official.epsilon.tolist(),
        "forgetting_quality": measurement.headline()["forgetting_quality"]
        if everything
        else quality,
        "n_models": len(unlearned),
        "n_retrained": len(retrained),
        "n_examples": unlearned.n_examples,
        "undetermined": int(official.undetermined.sum()),
        "peaky": int(official.peaky.sum()),
        **(measurement.others() if everything else {}),
    }
