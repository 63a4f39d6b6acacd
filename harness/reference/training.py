"""Train one model of a bank, in a process that does nothing else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from harness.models.weights import Array
from harness.reference.member import Member, member_path, write_member
from harness.seeds import derive_seed
from harness.tasks.cifar10 import load_cifar10
from harness.tasks.images.engine import TrainingSet, make_training_set, train
from harness.tasks.images.inference import EvaluationSets, evaluate, evaluation_sets
from harness.tasks.images.splits import Examples, SplitData, split_data
from harness.track.schema import Track

ORIGINAL_INDEX = -1


class _Workshop(NamedTuple):
    device: torch.device
    retain: TrainingSet
    everything: TrainingSet
    evaluation: EvaluationSets


@lru_cache(maxsize=1)
def _workshop(track: Track, data_dir: Path | None) -> _Workshop:
    """Load the data once per process."""
    torch.set_num_threads(1)
    device = torch.device(track.device)
    split = split_data(load_cifar10(data_dir), track.data)
    return _Workshop(
        device,
        make_training_set(split.retain, device),
        make_training_set(_training_set(split), device),
        evaluation_sets(split, device),
    )


def _training_set(split: SplitData) -> Examples:
    """D, the retain and the forget set together."""
    return Examples(
        np.concatenate([split.retain.images, split.forget.images]),
        np.concatenate([split.retain.targets, split.forget.targets]),
    )


def member_seed(track: Track, bank_seed: int, index: int) -> int:
    """Seed of one member; index -1 is the original model."""
    return derive_seed(track.hash, "reference", bank_seed, index)


def train_member(
    track: Track, bank_seed: int, index: int, data_dir: Path | None
) -> tuple[Member, dict[str, Array]]:
    """Train and measure one model.

    Parameters
    ----------
    track : Track
        Data, network and recipe.
    bank_seed : int
        Seed of the bank.
    index : int
        Place in the bank; `ORIGINAL_INDEX` trains the original model on all of D.
    data_dir : Path, optional
        Where CIFAR-10 lies.

    Returns
    -------
    tuple of Member and dict of arrays
        Its outputs and its weights.
    """
    shop = _workshop(track, data_dir)
    training_set = shop.everything if index == ORIGINAL_INDEX else shop.retain
    seed = member_seed(track, bank_seed, index)
    clock = time.process_time if shop.device.type == "cpu" else time.perf_counter
    with _flushed_denormals():
        start = clock()
        network = train(track.network, track.recipe, training_set, seed=seed)
        seconds = clock() - start
        member = Member(index, seed, seconds, evaluate(network, shop.evaluation))
    return member, _weights(network)


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Take numbers too small for full precision as zero, as the evaluator does."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def train_and_keep(
    track: Track, bank_seed: int, index: int, data_dir: Path | None, folder: Path
) -> int:
    """Train a member and write it to its place; returns its index."""
    member, _ = train_member(track, bank_seed, index, data_dir)
    write_member(member_path(folder, index), member)
    return index


def _weights(network: nn.Module) -> dict[str, Array]:
    return {
        name: tensor.cpu().numpy().copy(order="C")
        for name, tensor in network.state_dict().items()
    }
