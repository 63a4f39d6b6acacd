"""Which of a large retain set's examples every model is measured on."""

import numpy as np

from harness.seeds import derive_seed
from harness.tasks.base import Examples, Sets
from harness.track.schema import DataSpec


def measured_sets(sets: Sets, spec: DataSpec) -> Sets:
    """Keep of the retain set as many examples as the track says, by the split seed."""
    if not spec.retain_sample:
        return sets
    seed = derive_seed("retain-sample", spec.split_seed) % 2**32
    order = np.random.RandomState(seed).permutation(len(sets.retain.targets))
    places = np.sort(order[: spec.retain_sample])
    return sets._replace(retain=Examples(*(each[places] for each in sets.retain)))
