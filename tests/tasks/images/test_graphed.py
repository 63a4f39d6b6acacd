"""The step that a GPU records gives the models that the plain engine gives.

A CUDA graph repeats operations on the tensors, and with the numbers, that they were
recorded with, and runs no Python. `Tape` does that on a CPU.
"""

import contextlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from harness.tasks.images import engine, graphed
from harness.tasks.images.graphed import GraphedTraining, cuda_graph, one_by_one

CPU = torch.device("cpu")
SHORT = {"epochs": 1, "batch_size": 70}


#: What brings a number to the host, or one from there: no graph can hold it.
NOT_RECORDED = ("_local_scalar_dense", "lift_fresh", "nonzero", "is_nonzero", "item")


class Tape(TorchDispatchMode):
    """Notes each operation, its tensors and numbers, and does them all again."""

    def __init__(self):
        super().__init__()
        self.done = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        self.done.append((func, args, kwargs or {}, found))
        return found

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, found in self.done:
            again = func(*args, **kwargs)
            for old, new in zip(tensors_of(found), tensors_of(again), strict=True):
                if old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def tensors_of(found) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(found) if isinstance(leaf, torch.Tensor)]


def taped(step, generator):
    step()
    tape = Tape()
    with tape:
        step()
    names = {func._schema.name.partition("::")[2] for func, *_ in tape.done}
    assert not names.intersection(NOT_RECORDED)
    assert len(tape.done) > 50
    return tape.replay


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def training_set(task, split):
    return engine.make_training_set(task.stored(split.retain), "flip", CPU)


def bits(network):
    return torch.cat([t.flatten().double() for t in network.state_dict().values()])


@pytest.mark.parametrize(
    ("optimizer", "record"), [("sgd", one_by_one), ("adamw", taped)]
)
def test_a_model_is_the_same_whatever_was_trained_before(
    task, track, training_set, optimizer, record
):
    recipe = replace(track.recipe, optimizer=optimizer, learning_rate=0.01, **SHORT)
    recipe = replace(recipe, augmentation="flip-crop", label_smoothing=0.1)
    training = GraphedTraining(recipe, training_set, task.network, record)
    first = bits(training.train(1))
    training.train(2)

    assert torch.equal(bits(training.train(1)), first)
    plain = engine.train(task.network(1), recipe, training_set, seed=1)
    assert not training.train(1).training
    torch.testing.assert_close(first, bits(plain), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first, bits(training.train(2)), atol=1e-2)


@pytest.mark.parametrize("record", [one_by_one, taped])
def test_of_sgd_it_is_the_plain_engines_model_to_the_bit(
    task, track, training_set, record
):
    recipe = replace(track.recipe, **SHORT)
    found = GraphedTraining(recipe, training_set, task.network, record).train(3)

    plain = engine.train(task.network(3), recipe, training_set, seed=3)
    assert torch.equal(bits(found), bits(plain))


def test_a_step_that_cannot_be_recorded_is_done_one_by_one(task, track, training_set):
    def fails(step, generator):
        step()
        generator.manual_seed(99)
        raise RuntimeError("operation not permitted when stream is capturing")

    recipe = replace(track.recipe, **SHORT)
    with pytest.warns(UserWarning, match="cannot be recorded .*not permitted"):
        training = GraphedTraining(recipe, training_set, task.network, fails)

    plain = engine.train(task.network(3), recipe, training_set, seed=3)
    assert torch.equal(bits(training.train(3)), bits(plain))


def test_it_is_recorded_where_its_tensors_are_after_a_warm_up_on_the_same_stream(
    monkeypatch,
):
    """By what torch is asked for: nothing of it can be seen without a GPU."""
    said, wanted = [], torch.device("cuda:1")

    class Stream(str):
        def wait_stream(self, other):
            said.append(f"{self} waits for {other}")

    class Graph:
        register_generator_state = said.append

        def replay(self):
            said.append("replay")

    @contextlib.contextmanager
    def within(*what, **more):
        said.append((*map(str, what[-1:]), *more.values()))
        yield
        said.append("end")

    fake = SimpleNamespace(
        device=within,
        stream=within,
        graph=lambda graph, stream: within(stream, mode="record"),
        current_stream=lambda device: Stream(f"here on {device}"),
        Stream=lambda device: Stream(f"beside on {device}"),
        CUDAGraph=Graph,
    )
    monkeypatch.setattr(graphed.torch, "cuda", fake)
    generator = SimpleNamespace(device=wanted)

    cuda_graph(lambda: said.append("step"), generator)()

    here, beside = "here on cuda:1", "beside on cuda:1"
    assert said == [
        ("cuda:1",),
        f"{beside} waits for {here}",
        (beside,),
        *["step"] * 3,
        "end",
        f"{here} waits for {beside}",
        generator,
        (beside, "record"),
        "step",
        *["end"] * 2,
        "replay",
    ]
