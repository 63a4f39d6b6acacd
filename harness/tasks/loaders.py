"""Real data loaders over tensors in memory, without Python for each image."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, get_worker_info
from torch.utils.data._utils import pin_memory as pinning
from torch.utils.data._utils.collate import default_collate_fn_map

Sample = tuple[Tensor, Tensor]


class _Marker(tuple[Tensor, Tensor]):
    """A sample whose type tells the default collation that the batch is ready."""

    __slots__ = ()


class Batch(Sequence[Sample]):
    """A list of samples that is stored as two tensors.

    To a custom ``collate_fn`` it is a sequence of ``(input, target)``; the default
    collation takes the two tensors as they are.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return _Marker((self.inputs[index], self.targets[index]))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))


class _MarkedDict(dict[str, Any]):
    """A sample as the competition had it; see `_Marker`."""

    __slots__ = ()


class DictBatch(Batch):
    """A list of samples as dictionaries, stored as tensors."""

    def __init__(self, inputs: Tensor, targets: Tensor, places: Tensor) -> None:
        super().__init__(inputs, targets)
        self.places = places

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return super().__getitem__(index)
        chosen = (self.inputs[index], self.targets[index], self.places[index])
        return _MarkedDict(_named(*chosen))

    def whole(self) -> dict[str, Tensor]:
        """Return the batch, its tensors by name."""
        return _named(self.inputs, self.targets, self.places)


def _named(inputs: Any, targets: Any, places: Any) -> dict[str, Any]:
    """Name the parts as the competition's data set of faces did.

    Its target was the age group; age and person, which it also had, are stand-ins.
    """
    return {
        "image": inputs,
        "image_id": places,
        "age_group": targets,
        "age": targets,
        "person_id": places,
    }


def _collate(batch: Any, **_: Any) -> Any:
    if isinstance(batch, Batch):
        return batch.inputs, batch.targets
    inputs, targets = zip(*batch, strict=True)
    return torch.stack(inputs), torch.stack(targets)


def _collate_dicts(batch: Any, **_: Any) -> Any:
    if isinstance(batch, DictBatch):
        return batch.whole()
    return {name: torch.stack([each[name] for each in batch]) for name in batch[0]}


default_collate_fn_map[_Marker] = _collate
default_collate_fn_map[_MarkedDict] = _collate_dicts


class TensorExamples(Dataset[Sample]):
    """Inputs and targets held as tensors, n examples along their first axes.

    The transform turns a batch of inputs as they are held into what a network sees. A
    batch is one indexing of each tensor, through ``__getitems__``, for any batch
    size, sampler, ``Subset`` or ``collate_fn``. The worker processes of a loader, which
    cannot use a GPU, read the same examples `for_workers`.
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        for_workers: Sample | None = None,
        transform: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.inputs, self.targets = inputs, targets
        self._for_workers = for_workers
        self.transform = transform or nn.Identity()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        inputs, targets = self._here()
        return self.transform(inputs[index][None])[0], targets[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a whole batch at once."""
        return Batch(*self._chosen(indices)[:2])

    def _chosen(self, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        inputs, targets = self._here()
        places = _places(indices, targets.device)
        chosen = inputs.index_select(0, places)
        return self.transform(chosen), targets[places], places

    def _here(self) -> Sample:
        """Return the tensors that this process may use."""
        if self._for_workers is None or get_worker_info() is None:
            return self.inputs, self.targets
        return self._for_workers


def _places(indices: Any, device: torch.device) -> Tensor:
    """Return the indices on a device; a GPU goes on with its work meanwhile."""
    if device.type != "cuda" or isinstance(indices, Tensor):
        return torch.as_tensor(indices, device=device)
    return torch.tensor(indices, pin_memory=True).to(device, non_blocking=True)


class DictExamples(TensorExamples):
    """The same with each example a dictionary: ``sample["image"]``."""

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> DictBatch:
        """Return a whole batch at once."""
        return DictBatch(*self._chosen(indices))


def make_loader(  # noqa: PLR0913 - all by name
    inputs: Tensor,
    targets: Tensor,
    *,
    batch_size: int,
    shuffle: bool,
    as_dicts: bool = False,
    for_workers: Sample | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
) -> DataLoader[Any]:
    """Make the loader that a submission gets.

    Parameters
    ----------
    inputs, targets : Tensor
        n examples along their first axes, on the device of the run.
    batch_size : int
        Examples a batch; the last one may be smaller.
    shuffle : bool
        A new order for each pass, from torch's global generator, which a run seeds.
    as_dicts : bool
        Samples and batches are dictionaries with the keys of the competition's.
    for_workers : pair of Tensor, optional
        The same examples on the CPU, where the others are on a GPU.
    transform : callable, optional
        Turns a batch of `inputs` into what a network sees, on the device of the batch.
    """
    kind = DictExamples if as_dicts else TensorExamples
    if inputs.device.type == "cpu":
        dataset = kind(inputs, targets, transform=transform)
        return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)
    pin_nothing_on_a_gpu()
    dataset = kind(inputs, targets, for_workers, transform)
    return _ResidentLoader(dataset, batch_size=batch_size, shuffle=shuffle)


class _ResidentLoader(DataLoader[Any]):
    """Draws the order of a pass on the CPU, as ever, and copies it to the GPU once."""

    def __iter__(self) -> Any:
        if self.num_workers:
            return super().__iter__()
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        dataset: Any = self.dataset
        order = _places(list(self.sampler), dataset.targets.device)
        for places in torch.split(order, self.batch_size or 1):
            yield self.collate_fn(dataset.__getitems__(places))


def pin_nothing_on_a_gpu() -> None:
    """Let a loader be asked to pin its batches where they are on the GPU already."""
    pin = pinning.pin_memory
    if pin.__module__ == pinning.__name__:
        vars(pinning)["pin_memory"] = partial(_pin_unless_there, pin)


def _pin_unless_there(pin: Any, data: Any, device: Any = None) -> Any:
    there = isinstance(data, Tensor) and data.device.type != "cpu"
    return data if there else pin(data, device)
