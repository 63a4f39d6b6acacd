"""A clock that is set while a scoring runs changes neither numbers nor costs."""

import itertools
import time

import numpy as np

from harness.results.store import read_examples
from harness.sandbox import Level, Sandbox
from harness.scoring.scorer import Scorer


class Deaf:
    """A listener that hears nothing."""

    def __getattr__(self, name):
        return lambda *args: None


def test_a_clock_that_jumps_both_ways_has_no_effect(
    settings, executor, method, monkeypatch
):
    def scored(folder: str):
        changes = {"output": method.parent / folder}
        with Scorer(settings(**changes), Deaf(), Sandbox(Level.NONE)) as scorer:
            result = scorer.score(method)
            (path,) = changes["output"].glob("tiny/method/*-n4")
        return result, read_examples(path)

    steady, wanted = scored("steady")
    days = itertools.cycle([0.0, 1e6, -1e6, 4e9])
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() + next(days))
    monkeypatch.setattr("time.time_ns", lambda: int((now() + next(days)) * 1e9))

    jumping, runs = scored("jumping")

    assert jumping.status == steady.status
    assert jumping.metrics.epsilon == steady.metrics.epsilon
    assert jumping.metrics.retain_accuracy == steady.metrics.retain_accuracy
    for run, steady_run in zip(runs, wanted, strict=True):
        assert run.weights_sha256 == steady_run.weights_sha256
        assert np.array_equal(
            run.outputs.forget_confidence, steady_run.outputs.forget_confidence
        )
        # Seconds, not days.
        assert 0 < run.cpu_seconds < 60
        assert 0 < run.wall_seconds < 300
