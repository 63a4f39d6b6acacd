"""The table of noise: its rows change the last layer and nothing else."""

import numpy as np
import torch

from harness.models.outputs import SETS
from scripts.noise_table import changes, outputs_of

CLASSES, N = 4, 8


def models(seed):
    rng = np.random.default_rng(seed)
    labels = {of: torch.from_numpy(rng.integers(0, CLASSES, 40)) for of in SETS}
    base = {of: rng.normal(0, 2, (40, CLASSES)) for of in SETS}

    def one():
        logits = {of: base[of] + rng.normal(size=base[of].shape) for of in SETS}
        return {
            of: (torch.from_numpy(z).float(), labels[of]) for of, z in logits.items()
        }

    return [one() for _ in range(N)]


def test_every_change_leaves_calibrated_confidences_and_what_is_right_alone():
    runs = models(0)
    rows = {each.name: outputs_of(runs, each, seed=1) for each in changes()}
    before = rows.pop("nothing")
    assert len(rows) == 7
    for name, after in rows.items():
        apart = after.calibrated_confidence - before.calibrated_confidence
        assert np.abs(apart).max() < 1e-4, name
        assert np.abs(after.forget_confidence - before.forget_confidence).max() > 0.1
        if "biases" not in name:
            assert np.array_equal(after.test_accuracy, before.test_accuracy)
    half = rows["logits × .5"]
    assert np.allclose(half.calibration[:, 0], 2 * before.calibration[:, 0], rtol=1e-4)
