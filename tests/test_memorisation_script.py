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


def test_strata_are_compared_on_models_that_did_not_choose_them():
    rng = np.random.default_rng(0)
    chosen = np.stack([memorisation.half(seed, 90) for seed in range(80)])
    true = np.repeat([0.2, 1.0, 3.0], 30)
    confidence = chosen * true + rng.normal(0, 1, chosen.shape)
    models = np.stack([chosen, 1 / (1 + np.exp(-confidence))], axis=1)

    found = memorisation.held_out_separation(models, 30)

    shifts = [found[name][0] for name in ("low", "middle", "high")]
    np.testing.assert_allclose(shifts, [0.2, 1, 3], atol=0.25)
    assert all(spread == pytest.approx(1, abs=0.1) for _, spread in found.values())
    noise = np.stack([chosen, rng.uniform(0.2, 0.8, chosen.shape)], axis=1)
    of_noise = memorisation.held_out_separation(noise, 30)
    assert all(abs(shift) < 0.12 for shift, _ in of_noise.values())


@pytest.fixture
def trained(monkeypatch):
    """The models that were trained: the first really is, the others are made up."""
    trained: list[int] = []
    really = memorisation.probabilities

    def train(task, examples, index):
        trained.append(index)
        if index == 0:
            return really(task, examples, index)
        size = len(examples.targets)
        own = np.random.default_rng(index).uniform(0.1, 0.9, size)
        return np.stack([memorisation.half(index, size).astype(float), own])

    monkeypatch.setattr(memorisation, "probabilities", train)
    return trained


def test_models_are_kept_and_their_lists_are_a_tracks(
    trained, track_file, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    words = ["x", str(out), "--track", str(track_file), "--models", "48"]
    monkeypatch.setattr(sys, "argv", words)
    memorisation.main()
    assert trained == [*range(48)]
    first = (out / "memorisation.csv").read_bytes()
    kept = out / "models" / "00000.npy"
    model = np.frombuffer(kept.read_bytes()).reshape(2, 400)
    assert model[0].sum() == 200
    assert 0 < model[1].min() < model[1].max() < 1
    kept.unlink()

    memorisation.main()

    assert trained[48:] == [0]
    assert (out / "memorisation.csv").read_bytes() == first
    text = track_file.read_text()
    path = out / "low.toml"
    path.write_text(text.replace("[network]", 'forget = "file:low.txt"\n[network]'))
    task = find_task(find_track(str(path)))
    assert task.forget_indices().tolist() == list(task.track.data.forget)
    assert len(task.forget_indices()) == 50


def test_too_few_models_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path), "--models", "47"])

    with pytest.raises(SystemExit):
        memorisation.main()

    assert "--models must be at least 48" in capsys.readouterr().err


def test_a_separation_is_a_mean_shift_over_a_spread():
    rng = np.random.default_rng(0)
    originals, retrained = rng.normal(3, 1, (4, 400)), rng.normal(1, 2, (8, 400))

    found = forget_sets.separation(originals, retrained)

    assert found.shift == pytest.approx(2, abs=0.2)
    assert found.spread == pytest.approx(2, abs=0.1)
    assert found.ratio == found.shift / found.spread
