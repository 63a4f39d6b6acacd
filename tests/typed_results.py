"""Results for tests: sound in every field, with what a test wants changed."""

from dataclasses import replace

import numpy as np

from harness.machine import Machine
from harness.metrics import METRICS_VERSION
from harness.models.outputs import ModelOutputs
from harness.models.records import RunRecord
from harness.results.schema import (
    About,
    Accuracy,
    Efficiency,
    Epsilon,
    Isolation,
    Metrics,
    Number,
    Provenance,
    Result,
)
from harness.status import Status

MACHINE = Machine("Linux", "none", 2, 8, "", "3.11", "2.11", "2.0")
PROVENANCE = Provenance(
    harness_version="0",
    metrics_version=METRICS_VERSION,
    track="tiny",
    track_hash="ab",
    split_seed=0,
    data_hash="cd",
    bank_key="ef",
    bank_size=8,
    delta=1e-5,
    seed=0,
    device="cpu",
    n_jobs=1,
    machine=MACHINE,
    isolation=Isolation(level="none", not_enforced=("files", "network")),
)


def number(value=0.0612, low=0.05, high=0.07, **more) -> Number:
    more = {"ceiling": 0.19, "floor": 0.0, **more}
    return Number(value=value, low=low, high=high, level=0.95, **more)


def accuracy(value=0.77, ratio=0.99) -> Accuracy:
    return Accuracy(value=value, low=0.7, high=0.8, ratio=ratio, ceiling=0.8, floor=0.8)


def measured(**changes) -> Metrics:
    """All metrics but those of the literature."""
    metrics = Metrics(
        score=number(share_of_ceiling=0.33, clipped=0.06),
        forgetting_quality=number(),
        retain_accuracy=accuracy(),
        test_accuracy=accuracy(0.54, 0.98),
        forget_accuracy=accuracy(0.56, 1.0),
        epsilon=Epsilon(value=2.5, undetermined=3, peaky=0),
        efficiency=Efficiency(
            ratio=0.13,
            low=0.12,
            high=0.14,
            cap=0.2,
            cost_seconds=1.0,
            retraining_seconds=7.7,
        ),
    )
    return replace(metrics, **changes)


def typed_result(
    name="method", *, status=Status.SCORED, n_models=3, about=None, made=None, **more
) -> Result:
    """A result; `about` and `made` are changes of those two parts of it."""
    return Result(
        status=status,
        n_models=n_models,
        n_finished=n_models,
        about=About(name=name, **about or {}),
        provenance=replace(PROVENANCE, **made or {}),
        **more,
    )


def run_record(index: int, *, n_forget=4, n_test=5, **changes) -> RunRecord:
    """One finished run, its confidences drawn."""
    rng = np.random.default_rng([index, changes.get("seed", 0)])
    shares = {"retain": 1 / 3, "forget": 0.1, "test": 2 / 3}
    forget = rng.normal(size=(1, n_forget)).astype(np.float32)
    record = RunRecord(
        index=index,
        seed=2**62 + index,
        outputs=ModelOutputs(
            forget_confidence=forget,
            test_confidence=rng.normal(size=(1, n_test)).astype(np.float32),
            calibrated_confidence=forget / 3,
            calibration=np.array([[0.75, 0.25, -0.25]]),
            original=np.array([0]),
            **{f"{of}_accuracy": np.array([share]) for of, share in shares.items()},
        ),
        cpu_seconds=0.1 + index,
        wall_seconds=1e-17,
        peak_bytes=12345678,
        moved=0.3,
        weights_sha256=f"{index:02x}" * 32,
    )
    return replace(record, **changes)


def same_record(ours: RunRecord, theirs: RunRecord) -> bool:
    """Whether two are equal to the bit."""
    pairs = [(ours.arrays(), theirs.arrays())]
    return all(
        a.keys() == b.keys()
        and all(np.array_equal(a[n], b[n]) and a[n].dtype == b[n].dtype for n in a)
        for a, b in pairs
    )
