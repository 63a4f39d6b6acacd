"""What a kind of data must give so that it can be scored: the task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.models.outputs import ModelOutputs
from harness.tasks.imported import ImportedFunction
from harness.track.schema import Track, require

if TYPE_CHECKING:  # Most commands need no torch, and its import takes a second.
    import torch
    from torch import Tensor, nn

Indices = NDArray[np.int64]
#: Trains a fresh network from a seed.
Trainer = Callable[[int], "nn.Module"]
#: Measures one model: a table of one row.
Evaluator = Callable[["nn.Module"], ModelOutputs]


class Examples(NamedTuple):
    """n examples: ``inputs`` and ``targets``, each with n as its first axis."""

    inputs: NDArray[Any]
    targets: NDArray[np.int64]


class Sets(NamedTuple):
    """The examples of every set of a split; retain and forget make up D."""

    forget: Examples
    retain: Examples
    validation: Examples
    test: Examples

    @property
    def training(self) -> Examples:
        """D, the retain and the forget set together."""
        return Examples(
            np.concatenate([self.retain.inputs, self.forget.inputs]),
            np.concatenate([self.retain.targets, self.forget.targets]),
        )


class Shown(NamedTuple):
    """One example as a report shows it: a PNG or a text, and its class in words."""

    caption: str
    png: bytes = b""
    text: str = ""


class Task(ABC):
    """The data, network, recipe and confidence of a track.

    A process that runs a submission, or evaluates one, makes its task from the track
    alone and is handed examples; only the harness itself calls `sets` and what follows
    from them.

    Parameters
    ----------
    track : Track
        Which sizes, network and recipe.
    data_dir : Path, optional
        Where the data lie already, in place of where they usually come from.

    Raises
    ------
    UsageError
        If the track asks for what this task has not got.
    """

    #: What a submission calls it that names the tasks it is for, beside the data set.
    kind: ClassVar[str] = ""
    #: Kinds of `data.forget` that `sets` follows; a task that can do more says so.
    forget_kinds: ClassVar[tuple[str, ...]] = ("random",)

    def __init__(self, track: Track, data_dir: Path | None = None) -> None:
        self.track, self.data_dir = track, data_dir
        kind, legal = track.data.forget_kind, " or ".join(self.forget_kinds)
        legal += f", all that the task {track.data.dataset} offers"
        require(kind in self.forget_kinds, "the kind of data.forget", kind, legal)

    @property
    @abstractmethod
    def data_hash(self) -> str:
        """Hex digest of the data set by its published checksums, or of its files."""

    @property
    @abstractmethod
    def engine_version(self) -> str:
        """Changes whenever the same track, data and seed give another model."""

    @abstractmethod
    def sets(self) -> Sets:
        """Read the split's examples; `UsageError` if there are none, or too few."""

    @abstractmethod
    def forget_indices(self) -> Indices:
        """Places ``[S]`` of the forget examples in the data set, for tables."""

    def forget_labels(self) -> Indices:
        """Class ``[S]`` of each forget example, for tables; 0 where there is none."""
        return np.zeros(len(self.forget_indices()), dtype=np.int64)

    @abstractmethod
    def network(self, seed: int | None = None) -> "nn.Module":
        """Build the network with fresh weights.

        Parameters
        ----------
        seed : int, optional
            Draws the weights from this seed and leaves the global generator untouched;
            without it they come from the global generator.
        """

    @abstractmethod
    def stored(self, examples: Examples) -> "tuple[Tensor, Tensor]":
        """Hold inputs and targets in memory, as small as they come, on the CPU."""

    def transform(self, inputs: "Tensor") -> "Tensor":
        """Turn a batch of stored inputs, on any device, into what a network sees."""
        return inputs

    def tensors(self, examples: Examples) -> "tuple[Tensor, Tensor]":
        """Turn examples into what a network sees and its targets, on the CPU."""
        inputs, targets = self.stored(examples)
        return self.transform(inputs), targets

    @abstractmethod
    def trainer(self, examples: Examples, device: "torch.device") -> Trainer:
        """Hold examples ready for the fast engine, which trains by the track's recipe.

        The networks that come back have float32 weights and are in evaluation mode. On
        one CPU thread the same seed gives the same bits on the same kind of machine.
        """

    @abstractmethod
    def evaluator(
        self, sets: Mapping[str, Examples], device: "torch.device"
    ) -> Evaluator:
        """Hold the retain, forget and test set ready to measure models on.

        What comes back raises `harness.models.outputs.NonFiniteOutputs` for a model
        whose outputs are not finite numbers.
        """

    @abstractmethod
    def show(self, index: int) -> Shown:
        """Show the forget example at a place of the forget set, for reports."""

    def imported(self) -> tuple[Path, ...]:
        """Files or folders of code outside the package that a worker must import."""
        module = type(self).__module__
        if module.startswith("harness."):
            return ()
        return (ImportedFunction.named(f"{module}:{type(self).__name__}", "").code,)
