"""What every image classification task has in common."""

import io
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.tasks.base import Evaluator, Examples, Indices, Sets, Shown, Task, Trainer
from harness.tasks.images.splits import Split, make_split, require_sizes
from harness.tasks.imported import ImportedFunction
from harness.track.schema import Track, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

#: Part of a bank's address: raise it whenever a change in this folder changes a
#: trained model.
ENGINE_VERSION = 1
NETWORKS = ("small-cnn", "whitened-cnn", "wide-whitened-cnn", "resnet9", "resnet18")


class Images(NamedTuple):
    """A data set: all images that may be trained on, and all that are held out.

    Attributes
    ----------
    train_images, held_out_images : uint8 ``[n, height, width, 3]``
    train_targets, held_out_targets : int64 ``[n]``
    """

    train_images: NDArray[np.uint8]
    train_targets: NDArray[np.int64]
    held_out_images: NDArray[np.uint8]
    held_out_targets: NDArray[np.int64]


class ImageTask(Task):
    """Images of one size in some classes; a subclass says where they come from."""

    kind = "images"
    forget_kinds = ("random", "class", "list")

    def __init__(self, track: Track, data_dir: Path | None = None) -> None:
        super().__init__(track, data_dir)
        require_sizes(track.data, self.n_classes)
        name = track.network.name
        if ":" in name:
            self._imported = ImportedFunction.named(name, track.folder)
        else:
            legal = f"one of {', '.join(NETWORKS)}, or an import path module:function"
            require(name in NETWORKS, "network.name", name, legal)

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""

    @property
    def n_classes(self) -> int:
        """How many there are; known without the data."""
        return len(self.classes)

    @abstractmethod
    def images(self) -> Images:
        """Read the whole data set."""

    @property
    def engine_version(self) -> str:
        """The engine's version, and with it the source of an imported network."""
        if not self._imports_network:
            return str(ENGINE_VERSION)
        return f"{ENGINE_VERSION}-{self._imported.digest}"

    @property
    def _imports_network(self) -> bool:
        return ":" in self.track.network.name

    def imported(self) -> tuple[Path, ...]:
        """Add the code of an imported network."""
        own = super().imported()
        return (*own, self._imported.code) if self._imports_network else own

    @cached_property
    def _images(self) -> Images:
        return self.images()

    @cached_property
    def _split(self) -> Split:
        images, spec = self._images, self.track.data
        return make_split(
            images.train_targets, images.held_out_targets, spec, self.n_classes
        )

    def sets(self) -> Sets:
        """Copy the images of the split out of the data set."""
        images, split = self._images, self._split
        train = (images.train_images, images.train_targets)
        held_out = (images.held_out_images, images.held_out_targets)
        return Sets(
            forget=_take(*train, split.forget),
            retain=_take(*train, split.retain),
            validation=_take(*held_out, split.validation),
            test=_take(*held_out, split.test),
        )

    def forget_indices(self) -> Indices:
        """Places in the training images."""
        return self._split.forget

    def forget_labels(self) -> Indices:
        """Classes of the forgotten images."""
        return self._images.train_targets[self._split.forget]

    def network(self, seed: int | None = None) -> "nn.Module":
        """Build the track's network, one of ours or an imported one."""
        from harness.tasks.images import networks  # noqa: PLC0415

        name, n_classes = self.track.network.name, self.n_classes
        if self._imports_network:
            build = self._imported.load()
            return networks.fresh_imported(build, name, n_classes, seed)
        return networks.fresh(networks.BUILDERS[name], n_classes, seed)

    def stored(self, examples: Examples) -> "tuple[Tensor, Tensor]":
        """Hold pixels as bytes: normalised they would be four times as large."""
        import torch  # noqa: PLC0415

        return torch.as_tensor(examples.inputs), torch.as_tensor(examples.targets)

    def transform(self, inputs: "Tensor") -> "Tensor":
        """Normalise images to float32 ``[n, 3, height, width]``."""
        from harness.tasks.images.normalize import normalize  # noqa: PLC0415

        return normalize(inputs)

    def trainer(self, examples: Examples, device: "torch.device") -> Trainer:
        """Hold images ready on the device."""
        from harness.tasks.images.engine import make_training_set, train  # noqa: PLC0415
        from harness.tasks.images.graphed import GraphedTraining  # noqa: PLC0415
        from harness.tasks.images.networks import require_logits  # noqa: PLC0415

        inputs, targets = self.stored(examples)
        if self._imports_network:
            tried, name = self.network(seed=0), self.track.network.name
            require_logits(tried, name, self.transform(inputs[:2]), self.n_classes)
        recipe = self.track.recipe
        training_set = make_training_set((inputs, targets), recipe.augmentation, device)

        def fresh(seed: int) -> "nn.Module":
            return self.network(seed).to(device)

        # Nobody knows whether a step of an imported network can be recorded.
        if device.type == "cuda" and not self._imports_network:
            return GraphedTraining(recipe, training_set, fresh).train
        return lambda seed: train(fresh(seed), recipe, training_set, seed=seed)

    def evaluator(
        self, sets: Mapping[str, Examples], device: "torch.device"
    ) -> Evaluator:
        """Hold the three sets on the device."""
        from harness.tasks.images.inference import ImageEvaluator  # noqa: PLC0415

        stored = {name: self.stored(sets[name]) for name in sets}
        return ImageEvaluator(stored, device, self.transform)

    def show(self, index: int) -> Shown:
        """Show a forgotten image as a PNG, with the name of its class."""
        from PIL import Image  # noqa: PLC0415

        place = self.forget_indices()[index]
        buffer = io.BytesIO()
        Image.fromarray(self._images.train_images[place]).save(buffer, "PNG")
        label = self.classes[int(self._images.train_targets[place])]
        return Shown(label, png=buffer.getvalue())


def _take(
    images: NDArray[np.uint8], targets: NDArray[np.int64], indices: Indices
) -> Examples:
    return Examples(np.asarray(images[indices]), np.asarray(targets[indices]))
