"""The direction in which runs differ most: one vector, and not all N of them."""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from harness.models.outputs import Floats

_FEWEST = 64
"""Runs or examples below which all directions are found as fast as the first."""


class PrincipalAxis(NamedTuple):
    """Where each run lies along it, ``[N]`` of length one, and the sum of squares."""

    places: Floats
    square: float


def principal_axis(cloud: Floats) -> PrincipalAxis:
    """Find the direction in which the rows of a cloud ``[N, S]`` differ most.

    By Lanczos' iteration, whose memory and time are those of the cloud; finding all
    directions takes the cube of N. Rows are taken as they are: centre them before.
    """
    if min(cloud.shape) >= _FEWEST and np.any(cloud):
        n_runs = len(cloud)
        # Seeded, and in no special place: an axis at a right angle to it is not found.
        start = np.random.default_rng(0).standard_normal(n_runs)
        product = LinearOperator(
            (n_runs, n_runs), matvec=lambda v: cloud @ (cloud.T @ v), dtype=cloud.dtype
        )
        try:
            squares, places = eigsh(product, k=1, which="LA", v0=start)
            return PrincipalAxis(places[:, -1], max(float(squares[-1]), 0.0))
        except ArpackNoConvergence:
            pass  # Many directions are alike; all of them tell them apart.
    values, vectors = np.linalg.eigh(cloud @ cloud.T)
    return PrincipalAxis(vectors[:, -1], max(float(values[-1]), 0.0))
