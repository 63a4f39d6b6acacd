"""KLOM: a naive histogram, the closed form, and a null that depends on N."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.inputs.confidence import ConfidencePair
from harness.metrics.literature.klom import klom, klom_metrics
from tests.metrics.tables import compared


def naive_klom(unlearned, retrained):
    """One example, as the definition says it."""
    p, q = np.clip(unlearned, -100, 100), np.clip(retrained, -100, 100)
    span = (min(p.min(), q.min()), max(p.max(), q.max()))
    p_share = np.histogram(p, 20, span)[0] / len(p)
    q_share = np.maximum(np.histogram(q, 20, span)[0] / len(q), 1e-5)
    used = p_share > 0
    return max(0.0, (p_share[used] * np.log(p_share[used] / q_share[used])).sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 10**6))
def test_it_is_what_a_histogram_by_hand_gives(n, m, seed):
    rng = np.random.default_rng(seed)
    pair = ConfidencePair(rng.normal(0, 60, (n, 3)), rng.standard_t(2, (m, 3)))
    by_hand = [naive_klom(pair[0][:, s], pair[1][:, s]) for s in range(3)]
    assert klom(pair) == pytest.approx(by_hand)


def test_disjoint_sides_get_the_logarithm_of_the_floor():
    pair = ConfidencePair(np.full((10, 1), 5.0), np.zeros((10, 1)))
    assert klom(pair)[0] == pytest.approx(-np.log(1e-5))


def test_the_divergence_is_of_the_unlearned_from_the_retrained():
    """A narrow side inside a wide one is cheap; the other way round is dear."""
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0, 0.3, (500, 1)), rng.normal(0, 3, (500, 1))
    forward = klom(ConfidencePair(narrow, wide))[0]
    assert forward < 3 < klom(ConfidencePair(wide, narrow))[0]


def test_identical_sides_and_sides_without_variance_get_zero():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(12, 2))
    assert klom(ConfidencePair(one, one)).tolist() == [0.0, 0.0]
    same = np.full((12, 2), -7.0)
    assert klom(ConfidencePair(same, same)).tolist() == [0.0, 0.0]


def test_with_many_models_it_nears_the_divergence_of_two_normals():
    rng = np.random.default_rng(2)
    pair = ConfidencePair(rng.normal(1, 1, (40000, 1)), rng.normal(size=(40000, 1)))
    assert klom(pair)[0] == pytest.approx(0.5, abs=0.05)


def test_the_order_of_models_does_not_matter_and_that_of_examples_only_permutes():
    rng = np.random.default_rng(3)
    pair = ConfidencePair(rng.normal(size=(9, 5)), rng.normal(size=(11, 5)))
    turned = ConfidencePair(pair[0][::-1, ::-1], pair[1][::-1, ::-1])
    assert klom(turned)[::-1] == pytest.approx(klom(pair), abs=1e-12)


def test_held_out_retrained_models_give_the_null_at_full_size():
    rng = np.random.default_rng(4)
    pair, more = (
        ConfidencePair(*rng.normal(size=(2, 64, 50))),
        rng.normal(size=(64, 50)),
    )
    split = klom_metrics(compared(pair))[0]
    full = klom_metrics(compared(pair, more))[0]
    assert (split.null_models, full.null_models) == (32, 64)
    assert full.null == pytest.approx(full.value, rel=0.25)
    assert split.null > 1.5 * full.null
