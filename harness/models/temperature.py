"""Calibration of one classifier: bias-corrected temperature scaling on held-out logits.

Each model gets the temperature and the class biases with which its own test logits
are the best probabilities. What only rescales or shifts the logits of a whole model,
which anybody who holds the model can undo, is thereby undone.
"""

from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from harness.models.confidence import checked_labels
from harness.models.outputs import Floats, finite_numbers

SMOOTHING = 1e-3
"""Share of a target's probability that is spread over all classes. It keeps the
minimum finite where classes are separable or missing, and, unlike a ridge on the
biases, it is the same for every rescaling and shift of the logits."""

#: Newton's method converges quadratically: when a step gains less than this, the next
#: one would be lost in rounding.
_LEAST_GAIN, _SMALL_GRADIENT = 1e-14, 1e-6
_LEAST_DAMPING, _STEPS = 1e-9, 500
_MANY_CLASSES = 256


class Calibration(NamedTuple):
    """Calibrated logits are ``slope * logits + biases``; the temperature is 1 / slope.

    `biases` ``[C]`` sum to 0.
    """

    slope: float
    biases: Floats

    def apply(self, logits: ArrayLike) -> Floats:
        """Calibrate logits ``[..., C]``, in float64."""
        return np.asarray(self.slope * np.asarray(logits, dtype=np.float64)) + (
            self.biases
        )

    def row(self) -> Floats:
        """Lay out as ``[1, 1 + C]``: the slope, then the biases."""
        return np.concatenate([[self.slope], self.biases])[None]


def fit_calibration(
    logits: ArrayLike, targets: ArrayLike, *, smoothing: float = SMOOTHING
) -> Calibration:
    """Return the slope and class biases that minimise the negative log-likelihood.

    Parameters
    ----------
    logits : array_like, shape [T, C]
        Of one model on T held-out examples for C >= 2 classes.
    targets : array_like of int, shape [T]
        Their labels.
    smoothing : float
        Share of a target's probability that is spread over all classes.

    Returns
    -------
    Calibration
        The minimum, which is unique: the problem is convex, and solved by Newton's
        method. Logits ``c * z + d`` with c != 0 give the same calibrated
        probabilities as z, up to rounding.

    Raises
    ------
    UsageError
        Wrong shapes, or labels out of range.
    NonFiniteOutputs
        Logits that are not finite numbers.

    References
    ----------
    Guo et al., "On calibration of modern neural networks" (2017); the biases as in
    Alexandari et al., "Maximum likelihood with bias-corrected calibration" (2020).
    """
    values = finite_numbers(logits, "logits")
    labels = checked_labels(targets, values)
    centred = values - values.mean(axis=1, keepdims=True)
    middle = centred.mean(axis=0)
    centred -= middle
    scale = float(np.abs(centred).max())
    if scale > 0:
        centred /= scale
        spread = float(np.sqrt(np.mean(centred**2)))
        centred /= spread
        scale *= spread
    wanted = np.full(values.shape, smoothing / values.shape[1])
    wanted[np.arange(len(labels)), labels] += 1 - smoothing
    slope, biases = _minimum(centred, wanted)
    slope = slope / scale if scale > 0 else 0.0
    biases = biases - slope * middle
    return Calibration(slope, biases - biases.mean())


def _minimum(inputs: Floats, wanted: Floats) -> tuple[float, Floats]:
    """Minimise the cross-entropy of ``softmax(a * inputs + b)`` by Newton's method.

    Where the loss is nearly flat, as with examples far from all others, a step that
    does not pay is damped until it does.
    """
    at = np.concatenate([[1.0], np.zeros(inputs.shape[1])])
    loss, gradient, hessian = _derivatives(at, inputs, wanted)
    damping = 0.0
    for _ in range(_STEPS):
        step = _newton_step(hessian + damping * np.eye(len(at)), gradient)
        near = np.abs(gradient).max() < _SMALL_GRADIENT
        if near and abs(float(gradient @ step)) < _LEAST_GAIN:
            at = at - step if damping == 0 else at
            break
        found = _derivatives(at - step, inputs, wanted)
        if found[0] < loss:
            at, (loss, gradient, hessian) = at - step, found
            damping = damping / 10 if damping > _LEAST_DAMPING else 0.0
        else:
            damping = max(10 * damping, _LEAST_DAMPING)
    return float(at[0]), at[1:]


def _newton_step(hessian: Floats, gradient: Floats) -> Floats:
    """Solve for the shortest step: a constant added to all biases changes nothing.

    Of many classes that direction is made to cost something, which moves no solution,
    since a singular value decomposition takes too long.
    """
    if len(gradient) > _MANY_CLASSES:
        along = np.array([0.0, *[1.0] * (len(gradient) - 1)])
        with suppress(np.linalg.LinAlgError):
            costly = hessian + np.outer(along, along) / len(along)
            return np.asarray(np.linalg.solve(costly, gradient))
    return np.asarray(np.linalg.lstsq(hessian, gradient, rcond=1e-13)[0])


def _derivatives(
    at: Floats, inputs: Floats, wanted: Floats
) -> tuple[float, Floats, Floats]:
    """Return the loss, its gradient ``[1 + C]`` and its Hessian, over all examples."""
    logits = at[0] * inputs + at[1:]
    logits = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    total = powers.sum(axis=1, keepdims=True)
    probability = powers / total
    loss = float(np.mean(np.log(total[:, 0]) - (wanted * logits).sum(axis=1)))
    error = probability - wanted
    along = np.mean((error * inputs).sum(axis=1))
    gradient = np.concatenate([[along], error.mean(axis=0)])
    apart = inputs - (probability * inputs).sum(axis=1, keepdims=True)
    mixed = (probability * apart).mean(axis=0)
    hessian = np.empty((len(at), len(at)))
    hessian[0, 0] = np.mean((probability * apart**2).sum(axis=1))
    hessian[0, 1:] = hessian[1:, 0] = mixed
    square = probability.T @ probability / len(inputs)
    hessian[1:, 1:] = np.diag(probability.mean(axis=0)) - square
    return loss, gradient, hessian
