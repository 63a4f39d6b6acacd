"""Lay out finished runs and a bank as the sides of a measurement."""

from collections.abc import Sequence

import numpy as np

from harness.metrics.inputs.confidence import logit_scaled_confidence
from harness.metrics.literature.accuracy_gaps import Accuracies
from harness.models.finished import FinishedRun
from harness.reference.bank import ReferenceBank
from harness.scoring.measure import Runs, Side


def unlearned_side(runs: Sequence[FinishedRun]) -> Side:
    """Stack the outputs of finished runs."""
    accuracies = (
        np.array([getattr(run, f"{of}_accuracy") for run in runs])
        for of in ("forget", "retain", "test")
    )
    return Side(
        np.stack([run.forget_confidence for run in runs]).astype(np.float64),
        np.stack([run.test_confidence for run in runs]).astype(np.float64),
        Accuracies(*accuracies),
    )


def runs_facts(runs: Sequence[FinishedRun]) -> Runs:
    """Collect what flags need to know of the runs."""
    return Runs([run.weights_sha256 for run in runs], [run.moved for run in runs])


def bank_side(bank: ReferenceBank, prefix: str = "") -> Side:
    """Lay out all retrained models of a bank, or with ``"original_"`` the original."""
    arrays = bank.arrays
    accuracies = (
        arrays[f"{prefix}{of}_accuracy"].astype(np.float64)
        for of in ("forget", "retain", "test")
    )
    test = arrays[f"{prefix}test_logits"].astype(np.float32)
    return Side(
        logit_scaled_confidence(
            arrays[f"{prefix}forget_logits"], arrays["forget_targets"]
        ),
        logit_scaled_confidence(test, arrays["test_targets"]),
        Accuracies(*accuracies),
    )
