"""The Kolmogorov–Smirnov distance: scipy's, ties and all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.kolmogorov_smirnov import kolmogorov_smirnov, ks_metrics
from tests.metrics.tables import compared

values = st.integers(3, 15).flatmap(
    lambda n: arrays(np.float64, (n, 2), elements=st.integers(-4, 4))
)


@settings(max_examples=60, deadline=None)
@given(values, values)
def test_it_is_scipys_two_sample_statistic_ties_included(unlearned, retrained):
    ours = kolmogorov_smirnov(ConfidencePair(unlearned, retrained))
    theirs = [
        ks_2samp(unlearned[:, s], retrained[:, s], method="asymp").statistic
        for s in range(2)
    ]
    assert ours == pytest.approx(theirs)
    reverse = kolmogorov_smirnov(ConfidencePair(retrained, unlearned))
    assert reverse == pytest.approx(ours)


def test_its_null_is_what_the_docstring_says():
    rng = np.random.default_rng(0)
    null = kolmogorov_smirnov(ConfidencePair(*rng.normal(size=(2, 256, 400)))).mean()
    assert null == pytest.approx(0.87 * np.sqrt(2 / 256), rel=0.05)


def test_too_few_models_give_the_reason_instead_of_a_number():
    rng = np.random.default_rng(1)
    (metric,) = ks_metrics(compared(ConfidencePair(*rng.normal(size=(2, 7, 3)))))
    assert metric.value is None
    assert metric.reason_missing == "needs N ≥ 8 models on either side; there are 7"
