"""The loaders a submission gets are real ones, and fast ones."""

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    RandomSampler,
    Subset,
    WeightedRandomSampler,
    random_split,
)

from harness.tasks.images.normalize import MEAN, STD, normalize
from harness.tasks.loaders import TensorExamples, make_loader

N = 50


class CountedExamples(TensorExamples):
    """Counts the calls of both ways to read it."""

    def __init__(self, inputs, targets):
        super().__init__(inputs, targets)
        self.singles = self.batches = 0

    def __getitem__(self, index):
        self.singles += 1
        return super().__getitem__(index)

    def __getitems__(self, indices):
        self.batches += 1
        return super().__getitems__(indices)


@pytest.fixture(scope="module")
def tensors(cifar10):
    images = torch.as_tensor(cifar10.test_images[:N].copy())
    return normalize(images), torch.as_tensor(cifar10.test_targets[:N].copy())


@pytest.fixture
def dataset(tensors) -> CountedExamples:
    return CountedExamples(*tensors)


@pytest.fixture
def loader(tensors):
    return make_loader(*tensors, batch_size=16, shuffle=True)


def everything(loader):
    """All inputs and targets of one pass."""
    batches = list(loader)
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


def test_it_is_a_data_loader_with_the_usual_attributes(loader):
    assert isinstance(loader, DataLoader)
    assert loader.batch_size == 16
    assert len(loader.dataset) == N
    assert len(loader) == 4


def test_batches_are_inputs_and_targets_of_the_usual_types(loader):
    inputs, targets = next(iter(loader))

    assert (inputs.shape, inputs.dtype) == ((16, 3, 32, 32), torch.float32)
    assert (targets.shape, targets.dtype) == ((16,), torch.int64)


def test_the_inputs_are_the_images_normalised(cifar10, tensors):
    inputs, targets = everything(make_loader(*tensors, batch_size=7, shuffle=False))

    pixels = cifar10.test_images[:N].astype(np.float64) / 255
    wanted = ((pixels - MEAN) / STD).transpose(0, 3, 1, 2)
    assert np.allclose(inputs.numpy(), wanted, atol=1e-5)
    assert np.array_equal(targets.numpy(), cifar10.test_targets[:N])


def test_each_pass_has_every_image_once_in_a_new_order(loader, tensors):
    first, second = everything(loader), everything(loader)

    assert not torch.equal(first[1], second[1])
    for inputs, _ in (first, second):
        assert torch.equal(_sorted(inputs), _sorted(tensors[0]))


def _sorted(inputs):
    return inputs.flatten(1).sum(1).sort().values


def test_the_order_follows_the_global_seed(loader):
    torch.manual_seed(3)
    first = everything(loader)[1]
    torch.manual_seed(3)

    assert torch.equal(everything(loader)[1], first)


def test_it_can_be_made_anew_with_another_batch_size_and_drop_last(dataset):
    loader = DataLoader(dataset, batch_size=20, shuffle=True, drop_last=True)

    assert [len(y) for _, y in loader] == [20, 20]


def test_no_image_is_touched_by_python_of_its_own(dataset):
    list(DataLoader(dataset, batch_size=16, shuffle=True))

    assert (dataset.singles, dataset.batches) == (0, 4)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda d: DataLoader(Subset(d, range(0, N, 2)), batch_size=8),
        lambda d: DataLoader(random_split(d, [30, 20])[0], batch_size=8),
        lambda d: DataLoader(Subset(Subset(d, range(40)), range(10)), batch_size=4),
        lambda d: DataLoader(
            d, batch_size=8, sampler=WeightedRandomSampler(torch.ones(N), 24)
        ),
        lambda d: DataLoader(
            d, batch_sampler=BatchSampler(RandomSampler(d), 8, drop_last=False)
        ),
    ],
)
def test_subsets_and_samplers_read_whole_batches_too(dataset, wrap):
    inputs, targets = everything(wrap(dataset))

    assert inputs.shape[1:] == (3, 32, 32)
    assert len(inputs) == len(targets) > 0
    assert dataset.singles == 0


def test_a_subset_holds_its_own_images(dataset, tensors):
    chosen = [7, 3, 41]
    inputs, targets = everything(DataLoader(Subset(dataset, chosen), batch_size=2))

    assert torch.equal(inputs, tensors[0][chosen])
    assert torch.equal(targets, tensors[1][chosen])


def test_two_sets_can_be_joined(dataset, tensors):
    joined = ConcatDataset([dataset, dataset])
    inputs, _ = everything(DataLoader(joined, batch_size=16))

    assert torch.equal(inputs, torch.cat([tensors[0], tensors[0]]))


def test_a_custom_collate_function_sees_a_list_of_samples(dataset, tensors):
    def collate(samples):
        inputs, targets = zip(*samples, strict=True)
        first = samples[0]
        assert len(samples) == 10
        assert torch.equal(first[0], inputs[0])
        assert torch.equal(samples[-1][0], inputs[-1])
        assert [len(pair) for pair in samples[2:4]] == [2, 2]
        return torch.stack(inputs), torch.tensor(targets)

    inputs, targets = everything(DataLoader(dataset, batch_size=10, collate_fn=collate))

    assert torch.equal(inputs, tensors[0])
    assert torch.equal(targets, tensors[1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_it_works_with_worker_processes(tensors):
    dataset = TensorExamples(*tensors)
    plain = everything(DataLoader(dataset, batch_size=16))

    workers = everything(DataLoader(dataset, batch_size=16, num_workers=2))

    assert torch.equal(plain[0], workers[0])
    assert torch.equal(plain[1], workers[1])


def test_a_single_sample_is_an_input_and_a_target(dataset, tensors):
    inputs, target = dataset[5]

    assert torch.equal(inputs, tensors[0][5])
    assert int(target) == int(tensors[1][5])


def test_a_loader_without_batches_gives_single_samples(dataset):
    samples = list(DataLoader(dataset, batch_size=None))

    assert len(samples) == N
    assert samples[0][0].shape == (3, 32, 32)


def test_a_batch_can_be_changed_without_changing_the_set(loader, tensors):
    before = tensors[0].clone()
    for inputs, _ in loader:
        inputs.zero_()

    assert torch.equal(tensors[0], before)


def test_another_datasets_samples_are_collated_as_ever():
    """The fast path hangs on a type of ours: other data must not notice it."""
    pairs = [(torch.ones(2), 1), (torch.zeros(2), 0)]

    inputs, targets = next(iter(DataLoader(pairs, batch_size=2)))

    assert inputs.tolist() == [[1, 1], [0, 0]]
    assert targets.tolist() == [1, 0]


#: Stands for a GPU: tensors elsewhere, of which nothing can be read here.
ELSEWHERE = torch.device("meta")


@pytest.fixture
def resident(tensors):
    """A loader whose examples are on another device than the CPU."""
    there = (each.to(ELSEWHERE) for each in tensors)
    return make_loader(*there, batch_size=16, shuffle=True, for_workers=tensors)


def test_on_a_gpu_batches_are_there_and_of_the_usual_shapes(resident):
    batches = list(resident)

    assert isinstance(resident, DataLoader)
    assert [len(targets) for _, targets in batches] == [16, 16, 16, 2]
    assert len(resident) == 4
    assert {each.device for batch in batches for each in batch} == {ELSEWHERE}


def test_on_a_gpu_the_order_of_a_pass_is_copied_once(resident, monkeypatch):
    copied = []

    def places(indices, device):
        copied.append(list(indices))
        return torch.as_tensor(indices, device=device)

    monkeypatch.setattr("harness.tasks.loaders._places", places)
    chosen = []
    monkeypatch.setattr(
        type(resident.dataset),
        "__getitems__",
        lambda self, indices: (
            chosen.append(indices) or [(torch.ones(1), torch.ones(1))]
        ),
    )
    list(resident)
    assert [sorted(each) for each in copied] == [list(range(N))]
    assert copied != [list(range(N))]
    assert all(isinstance(each, torch.Tensor) for each in chosen)


def test_on_a_gpu_worker_processes_read_the_examples_on_the_cpu(resident, tensors):
    again = DataLoader(resident.dataset, batch_size=25, num_workers=1)

    inputs, targets = everything(again)
    assert torch.equal(inputs, tensors[0])
    assert torch.equal(targets, tensors[1])


def test_on_a_gpu_a_loader_may_be_asked_to_pin(resident):
    pin = torch.utils.data._utils.pin_memory.pin_memory
    batch = resident.dataset.__getitems__([1, 2])

    pinned = pin((batch.inputs, {"targets": batch.targets}))
    assert pinned[0] is batch.inputs
    assert pinned[1]["targets"] is batch.targets
