"""Metrics of language models: PrivLeak, forget quality and extraction."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from harness.metrics.literature.comparison import Comparison
from harness.metrics.literature.language import NAMES, language_metrics
from harness.models.outputs import ModelOutputs


def models(n=12, seed=0, known=0.0) -> ModelOutputs:
    """Language models, each of which knows the forgotten book a little."""
    rng = np.random.default_rng(seed)
    passages = np.random.default_rng(99).normal(size=70)
    each = passages + 0.3 * rng.normal(size=(n, 70))
    each[:, :40] += known
    return ModelOutputs(
        forget_confidence=10 * each[:, :40],
        forget_min_k=each[:, :40],
        test_min_k=each[:, 40:],
        extracted_tokens=np.round(np.maximum(each[:, :40], 0)),
        test_confidence=10 * each[:, 40:] - 30,
    )


def test_privleak_is_the_relative_gap_of_the_area_and_below_0_for_what_is_known():
    ours, theirs = models(seed=1, known=1.0), models(seed=2)

    def area(group):
        label = [0] * 40 + [1] * 30
        rows = np.concatenate([group.forget_min_k, group.test_min_k], axis=1)
        return np.mean([roc_auc_score(label, row) for row in rows])

    privleak, *_ = language_metrics(Comparison(ours, theirs))

    assert privleak.value == pytest.approx(area(ours) / area(theirs) - 1)
    assert privleak.low < privleak.value < privleak.high < 0


def test_forget_quality_is_the_mean_of_the_tests_of_pairs_of_models():
    ours, theirs = models(5, seed=1, known=1.0), models(8, seed=2)
    pairs = zip(ours.forget_confidence, theirs.forget_confidence[:5], strict=True)
    wanted = np.mean([np.log10(ks_2samp(*p, method="asymp").pvalue) for p in pairs])

    _, quality, *_ = language_metrics(Comparison(ours, theirs))

    assert quality.value == pytest.approx(wanted)
    assert quality.value < quality.null


def test_the_likelihood_of_passages_is_that_of_their_confidences():
    ours, theirs = models(seed=1, known=1.0), models(seed=2)

    *_, forget, test = language_metrics(Comparison(ours, theirs, models(seed=3)))

    for found, name in ((forget, "forget_confidence"), (test, "test_confidence")):
        p = 1 / (1 + np.exp(-getattr(ours, name)))
        assert found.value == pytest.approx(np.log(p).mean())
        assert found.low < found.value < found.high <= 0
    assert forget.value > forget.null


def test_extraction_is_the_mean_of_tokens_and_its_null_is_that_of_retraining():
    ours, theirs = models(seed=1, known=1.0), models(seed=2)

    *_, extraction, _, _ = language_metrics(Comparison(ours, theirs, models(seed=3)))

    assert extraction.value == ours.extracted_tokens.mean()
    assert extraction.null == models(seed=3).extracted_tokens.mean()
    assert extraction.low < extraction.value < extraction.high


def test_intervals_cover_what_equal_models_get():
    """Against fresh retrained models, in the mean 0 and in 95 of 100 within."""
    missed = 0
    for seed in range(100):
        ours, theirs = models(seed=1000 + seed), models(seed=3000 + seed)
        privleak, *_ = language_metrics(Comparison(ours, theirs))
        missed += not privleak.low <= 0 <= privleak.high
    assert missed <= 10


def test_models_of_images_have_none_of_them_and_too_few_say_so():
    images = ModelOutputs(forget_confidence=np.zeros((4, 3)))
    assert language_metrics(Comparison(images, images)) == ()

    few = language_metrics(Comparison(models(3), models(3, seed=1)))
    assert [each.name for each in few] == list(NAMES)
    assert all("needs N ≥ 4" in str(each.reason_missing) for each in few)
