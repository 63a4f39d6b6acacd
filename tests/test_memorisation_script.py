"""The script that estimates memorisation, and the one that compares forget sets."""

import sys

import numpy as np
import pytest

from harness.tasks.registry import find_task
from harness.track import find_track
from scripts import forget_sets, memorisation


def test_a_score_is_the_difference_that_training_on_an_example_makes():
    rng = np.random.default_rng(0)
    chosen = np.stack([memorisation.half(seed, 50) for seed in range(40)])
    true = np.linspace(-0.1, 0.9, 50)

    found = memorisation.scores(chosen, 0.1 + chosen * true)

    np.testing.assert_allclose(found, true)
    assert (chosen.sum(axis=1) == 25).all()
    assert chosen.sum(axis=0).min() > 10
    models = np.stack([chosen, chosen * true + rng.normal(0, 0.1, (40, 50))], axis=1)
    assert 0.9 < memorisation.reliability(models) < 1


def test_strata_are_the_smallest_the_middle_and_the_largest_scores():
    order = np.random.default_rng(0).permutation(100)

    strata = memorisation.strata(order / 100.0, 10)

    assert {name: sorted(order[of].tolist()) for name, of in strata.items()} == {
        "low": [*range(10)],
        "middle": [*range(45, 55)],
        "high": [*range(90, 100)],
    }


def test_models_are_kept_and_their_lists_are_a_tracks(
    track_file, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    words = ["x", str(out), "--track", str(track_file), "--models", "3"]
    monkeypatch.setattr(sys, "argv", words)
    memorisation.main()
    first = (out / "memorisation.csv").read_bytes()
    (out / "models" / "00001.npy").unlink()
    trained = []
    probabilities = memorisation.probabilities
    monkeypatch.setattr(
        memorisation,
        "probabilities",
        lambda *given: trained.append(given[-1]) or probabilities(*given),
    )

    memorisation.main()

    assert trained == [1]
    assert (out / "memorisation.csv").read_bytes() == first
    text = track_file.read_text()
    path = out / "low.toml"
    path.write_text(text.replace("[network]", 'forget = "file:low.txt"\n[network]'))
    task = find_task(find_track(str(path)))
    assert task.forget_indices().tolist() == list(task.track.data.forget)
    assert len(task.forget_indices()) == 50


def test_a_separation_is_a_mean_shift_over_a_spread():
    rng = np.random.default_rng(0)
    originals, retrained = rng.normal(3, 1, (4, 400)), rng.normal(1, 2, (8, 400))

    found = forget_sets.separation(originals, retrained)

    assert found.shift == pytest.approx(2, abs=0.2)
    assert found.spread == pytest.approx(2, abs=0.1)
    assert found.ratio == found.shift / found.spread
