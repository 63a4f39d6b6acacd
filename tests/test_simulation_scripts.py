"""The simulations behind the intervals run, at their smallest size."""

import sys

import numpy as np
import pytest

from scripts import simulate_budget, simulate_originals, simulate_paired
from scripts.simulate_originals import Kind, World, placed, value


def test_rows_of_one_and_of_several_originals(capsys, monkeypatch):
    words = [
        "x",
        "--quick",
        "--originals",
        "1",
        "2",
        "--original-sd",
        "0",
        "--bad-seeds",
        ".1",
    ]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(
        simulate_originals, "simulate", lambda kind, options: f" {kind.n_originals}"
    )
    simulate_originals.main()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[-2:]] == ["1", "2"]


def test_a_world_has_the_correlation_and_the_bad_seeds_that_it_is_asked_for():
    rng = np.random.default_rng(0)
    kind = Kind(1, 4000, 0.0, 0.29, 0.1)
    world = World.of(rng, kind, 60)
    runs = world.models(rng, np.zeros(60)).forget_confidence
    bank = world.retrained(rng).forget_confidence
    together = np.corrcoef(bank.T)
    assert together[np.triu_indices(60, 1)].mean() == pytest.approx(0.29, abs=0.06)
    far = (runs - world.centre).mean(axis=1) < -2
    assert far.mean() == pytest.approx(0.1, abs=0.04)


def test_originals_of_a_world_differ_and_are_scored_apart():
    rng = np.random.default_rng(1)
    world = World.of(rng, Kind(3, 16, 0.5, 0.09, 0.0), 20)
    shifts = world.originals(rng)
    assert np.ptp(shifts.mean(axis=1)) > 0.05
    runs, bank = world.unlearned(rng, shifts), world.retrained(rng)
    each = [value([models], bank) for models in runs]
    assert value(runs, bank) == pytest.approx(np.mean(each))
    assert placed(runs).original.tolist() == [0] * 16 + [1] * 16 + [2] * 16


def test_pairs_of_correlated_examples_with_bad_seeds():
    task = simulate_paired.Task("gaussian", 8, 6, "fixed", 0.64, 0.1)
    assert "%" in simulate_paired.simulate(task, 2)


def test_a_budget_is_spread_over_originals():
    simulation = simulate_budget.Simulation(np.zeros(30), np.ones(30), seed=0)
    first, second = np.mean([simulation.scoring(16, 2) for _ in range(4)], axis=0)
    assert 0 < first < second < 0.2
