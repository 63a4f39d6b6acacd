"""Crowds that fool the official metric, or try to, made of logits like real ones."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from harness.models.confidence import logit_scaled_confidence
from harness.models.outputs import ModelOutputs
from harness.models.temperature import fit_calibration

CLASSES, FORGET, TEST = 5, 60, 300


class Logits(NamedTuple):
    """Of N models on forget and test examples, ``[N, S, C]`` and ``[N, T, C]``."""

    forget: np.ndarray
    test: np.ndarray

    def changed(self, factor=1.0, biases=0.0):
        """Rescale and shift: a number, or one a model (and class)."""
        factor = np.reshape(factor, (-1, 1, 1))
        biases = np.reshape(
            biases, (-1, 1, np.shape(biases)[-1] if np.ndim(biases) else 1)
        )
        return Logits(*(factor * each + biases for each in self))

    def take(self, chosen):
        return Logits(*(each[chosen] for each in self))


class World:
    """Examples with labels, and crowds of models on them.

    A model's logits are those of its kind of training and noise of its own, some of it
    shared by all examples of a class, as retrained models of cifar10-quick have it.
    """

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        n = FORGET + TEST
        self.labels = rng.integers(0, CLASSES, n)
        self.base = rng.normal(0, 1.5, (n, CLASSES))
        self.base[np.arange(n), self.labels] += 2.0
        self.direction = rng.normal(size=(n, CLASSES))

    def crowd(self, rng, models=32, shift=0.0, spread=1.0, along=0.0):
        """Models that still know the forget set by `shift` too well."""
        logits = self.base + spread * rng.normal(0, 0.7, (models, *self.base.shape))
        logits += rng.normal(0, 0.1, (models, 1, CLASSES))
        logits *= np.exp(rng.normal(0, 0.03, (models, 1, 1)))
        logits[:, np.arange(FORGET), self.labels[:FORGET]] += shift
        logits += along * rng.normal(size=(models, 1, 1)) * self.direction
        return Logits(logits[:, :FORGET], logits[:, FORGET:])

    def outputs(self, logits: Logits) -> ModelOutputs:
        """Measure models as the evaluator does."""
        forget, test = self.labels[:FORGET], self.labels[FORGET:]
        found = [fit_calibration(each, test) for each in logits.test]
        calibrated = np.stack(
            [fit.apply(z) for fit, z in zip(found, logits.forget, strict=True)]
        )
        return ModelOutputs(
            forget_confidence=logit_scaled_confidence(logits.forget, forget),
            calibrated_confidence=logit_scaled_confidence(calibrated, forget),
            calibration=np.concatenate([fit.row() for fit in found]),
        )


Cheat = Callable[[World, np.random.Generator], Logits]
#: What fine-tuning is in this world: the forget set known too well, too little spread.
TUNED = {"shift": 0.8, "spread": 0.6}


def tuned(world, rng, models=32, **changes):
    return world.crowd(rng, models, **{**TUNED, **changes})


def times(sd):
    """Multiply the logits of each run by a lognormal number."""

    def cheat(world, rng):
        logits = tuned(world, rng)
        return logits.changed(np.exp(rng.normal(0, sd, len(logits.test))))

    return cheat


def biased(sd):
    """Add biases to the classes, drawn for each run."""

    def cheat(world, rng):
        logits = tuned(world, rng)
        return logits.changed(biases=rng.normal(0, sd, (len(logits.test), CLASSES)))

    return cheat


def halved(world, rng):
    return tuned(world, rng).changed(0.5)


def cached(k, jitter=0.05):
    """Return one of K kept models, by the seed, and jitter it a little."""

    def cheat(world, rng):
        kept = tuned(world, rng, models=k, spread=1.0, shift=0.0)
        drawn = kept.take(rng.integers(k, size=32))
        noise = [jitter * rng.normal(size=each.shape) for each in drawn]
        return Logits(*(each + more for each, more in zip(drawn, noise, strict=True)))

    return cheat


def mixed(k, apart=1.0):
    """Each run is one of K methods, which forget too little or too much."""

    def cheat(world, rng):
        shifts = np.linspace(-apart, apart, k)
        methods = [tuned(world, rng, shift=shift) for shift in shifts]
        which = rng.integers(k, size=32)
        runs = [methods[m].take([i]) for i, m in enumerate(which)]
        return Logits(*map(np.concatenate, zip(*runs, strict=True)))

    return cheat


def with_outliers(world, rng):
    """Two runs on either side are far out."""
    shifts = np.zeros(32)
    shifts[:4] = [4.0, 4.0, -4.0, -4.0]
    runs = [tuned(world, rng, models=1, shift=s, spread=0.4) for s in shifts]
    return Logits(*map(np.concatenate, zip(*runs, strict=True)))


def rank_one(world, rng):
    """Every example moves with one number a run, and with hardly anything else."""
    return tuned(world, rng, spread=0.1, shift=0.0, along=0.7)


def matched(world, rng):
    """Each example's confidences are quantiles of retrained models, in any order."""
    logits = world.crowd(rng)
    order = rng.permuted(np.tile(np.arange(32), (FORGET, 1)), axis=1)
    forget = logits.forget[order.T, np.arange(FORGET)]
    return Logits(forget, logits.test)
