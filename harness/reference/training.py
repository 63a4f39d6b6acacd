"""Train one model of a bank, in a process that does nothing else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch

from harness.errors import UsageError
from harness.machine import this_machine
from harness.models.gpu import ask_for_same_bits
from harness.models.outputs import NonFiniteOutputs
from harness.models.records import ModelRecord
from harness.models.weights import Array
from harness.processes.own_gpu import own_gpu
from harness.reference.member import keep_member
from harness.seeds import derive_seed
from harness.tasks.base import Evaluator, Trainer
from harness.tasks.registry import find_task
from harness.tasks.sample import measured_sets
from harness.track.schema import Track


class _Prepared(NamedTuple):
    """What is made once per process; the original model's trainer only if needed."""

    device: torch.device
    retrain: Trainer
    train_original: Trainer
    evaluate: Evaluator


@lru_cache(maxsize=1)
def _prepared(track: Track, folder: str, data_dir: Path | None) -> _Prepared:
    """Prepare once; `folder`, where an imported network lies, is no part of a track."""
    torch.set_num_threads(1)
    device = _own_device(track.device)
    task = find_task(track, data_dir)
    sets = task.sets()
    return _Prepared(
        device,
        task.trainer(sets.retain, device),
        task.trainer(sets.training, device),
        task.evaluator(measured_sets(sets, track.data)._asdict(), device),
    )


def _own_device(wanted: str) -> torch.device:
    """Take a GPU that no other process of ours trains on; share one if there is none.

    All that is done without naming a GPU is done there, too.
    """
    device = torch.device(own_gpu(wanted) or wanted)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
        ask_for_same_bits()
    return device


def member_seed(track: Track, bank_seed: int, index: int) -> int:
    """Seed of one member; those below 0 are the original models."""
    return derive_seed(track.hash, "reference", bank_seed, index)


def train_member(
    track: Track, bank_seed: int, index: int, data_dir: Path | None
) -> tuple[ModelRecord, dict[str, Array]]:
    """Train and measure one model; returns its outputs and its weights.

    An index below 0 is an original model, on all of D. A training that diverged raises
    `UsageError`.
    """
    here = _prepared(track, track.folder, data_dir)
    train = here.train_original if index < 0 else here.retrain
    seed = member_seed(track, bank_seed, index)
    with _flushed_denormals():
        start = _clock(here.device)
        network = train(seed)
        seconds = _clock(here.device) - start
        try:
            outputs = here.evaluate(network)
        except NonFiniteOutputs:
            raise UsageError(_diverged(track, index)) from None
    record = ModelRecord(
        index=index,
        seed=seed,
        cpu_seconds=seconds,
        outputs=outputs,
        arithmetic=this_machine().arithmetic_on(track.device),
    )
    weights = network.state_dict().items()
    return record, {n: t.cpu().numpy().copy(order="C") for n, t in weights}


def _clock(device: torch.device) -> float:
    """Read CPU seconds; on a GPU the clock, once all that was asked of it is done."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def _diverged(track: Track, index: int) -> str:
    name = f"retrained model {index}" if index >= 0 else f"original model {-1 - index}"
    return (
        f"the outputs of {name} of {track.name} are not finite numbers: its training "
        "diverged. Lower recipe.learning_rate in the track and build again."
    )


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
    keep_member(folder, *train_member(track, bank_seed, index, data_dir))
    return index
