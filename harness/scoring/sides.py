"""Lay out finished runs and a bank as model outputs."""

from collections.abc import Sequence

import numpy as np

from harness.metrics.inputs.confidence import logit_scaled_confidence
from harness.models.finished import FinishedRun
from harness.models.outputs import SETS, ModelOutputs
from harness.reference.bank import ReferenceBank
from harness.scoring.measure import Runs


def unlearned_side(runs: Sequence[FinishedRun]) -> ModelOutputs:
    """Stack the outputs of finished runs."""
    accuracies = {
        f"{of}_accuracy": np.array([getattr(run, f"{of}_accuracy") for run in runs])
        for of in SETS
    }
    return ModelOutputs(
        forget_confidence=np.stack([run.forget_confidence for run in runs]),
        test_confidence=np.stack([run.test_confidence for run in runs]),
        **accuracies,
    )


def runs_facts(runs: Sequence[FinishedRun]) -> Runs:
    """Collect what flags need to know of the runs."""
    return Runs([run.weights_sha256 for run in runs], [run.moved for run in runs])


def bank_side(bank: ReferenceBank, prefix: str = "") -> ModelOutputs:
    """Lay out all retrained models of a bank, or with ``"original_"`` the original."""
    arrays = bank.arrays
    accuracies = {
        f"{of}_accuracy": arrays[f"{prefix}{of}_accuracy"].astype(np.float64)
        for of in SETS
    }
    test = arrays[f"{prefix}test_logits"].astype(np.float32)
    return ModelOutputs(
        forget_confidence=logit_scaled_confidence(
            arrays[f"{prefix}forget_logits"], arrays["forget_targets"]
        ),
        test_confidence=logit_scaled_confidence(test, arrays["test_targets"]),
        **accuracies,
    )
