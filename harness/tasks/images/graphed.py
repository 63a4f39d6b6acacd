"""The engine on a GPU: one training step as a CUDA graph, for model after model.

A step of a small network is hundreds of operations of a few microseconds each, and to
ask for them one by one takes longer than to do them. Recorded once, they are asked for
at once. Everything that a model leaves behind is overwritten by the next one, so that
its bits do not depend on which models the process has trained before.
"""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from harness.tasks.images.engine import (
    TrainingSet,
    augment,
    loss_of,
)
from harness.tasks.optimizer import recipe_optimizer
from harness.track.schema import Recipe

#: Steps before recording, in which libraries choose and optimizers make their state.
_WARM_UP = 3
Step = Callable[[], None]
#: Does a step, which draws from a generator, and returns what does the same again: on
#: the same tensors, with the numbers that it was done with.
Record = Callable[[Step, torch.Generator], Step]


class GraphedTraining:
    """Trains networks that `fresh` makes from a seed, by one recipe on one set.

    By default a step is recorded on a GPU. Off one, and where it cannot be recorded,
    the same steps are done one by one.
    """

    def __init__(
        self,
        recipe: Recipe,
        training_set: TrainingSet,
        fresh: Callable[[int], nn.Module],
        record: Record | None = None,
    ) -> None:
        self._recipe, self._set, self._fresh = recipe, training_set, fresh
        self._device = training_set.targets.device
        self._network = fresh(0).train()
        self._batch = torch.arange(recipe.batch_size, device=self._device)
        self._rate = torch.zeros((), device=self._device)
        self._optimizer = recipe_optimizer(self._network, recipe, self._rate)
        self._generator = torch.Generator(device=self._device)
        usual = cuda_graph if self._device.type == "cuda" else one_by_one
        self._step = self._recorded(record or usual)

    def train(self, seed: int) -> nn.Module:
        """Train a fresh network; it comes back in evaluation mode."""
        network, n_images = self._fresh(seed), len(self._set.targets)
        self._begin(network, seed)
        n_steps, step = self._recipe.steps(n_images), 0
        for _ in range(self._recipe.epochs):
            order = torch.randperm(
                n_images, generator=self._generator, device=self._device
            )
            batches = torch.split(order, self._recipe.batch_size)
            for batch in batches[: n_steps // self._recipe.epochs]:
                self._batch.copy_(batch)
                self._rate.fill_(self._recipe.rate_at(step, n_steps))
                self._step()
                step += 1
        network.load_state_dict(self._network.state_dict())
        return network.eval()

    @torch.no_grad()
    def _begin(self, network: nn.Module, seed: int) -> None:
        """Overwrite all that the last model has left."""
        self._network.load_state_dict(network.state_dict())
        for state in self._optimizer.state.values():
            for value in state.values():
                value.zero_()
        self._generator.manual_seed(seed)

    def _do_step(self) -> None:
        pixels, targets = self._set
        recipe = self._recipe
        self._optimizer.zero_grad()
        images = augment(pixels, self._batch, recipe.augmentation, self._generator)
        smoothing = recipe.label_smoothing
        loss = loss_of(self._network, images, targets[self._batch], smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _recorded(self, record: Record) -> Step:
        try:
            return record(self._do_step, self._generator)
        except RuntimeError as error:
            warnings.warn(
                f"a training step cannot be recorded ({error}); steps are done one by "
                "one, which takes longer.",
                stacklevel=3,
            )
            # The other may think that it is being recorded still.
            self._generator = torch.Generator(device=self._device)
            return self._do_step


def one_by_one(step: Step, generator: torch.Generator) -> Step:
    """Record nothing; an optimizer has its state after the step."""
    del generator
    step()
    return step


def cuda_graph(step: Step, generator: torch.Generator) -> Step:
    """Record a step as a CUDA graph, on the generator's GPU, whichever is current.

    On another one there would be nothing to record, and nothing would be repeated.
    """
    cuda: Any = torch.cuda  # Half of it has no types.
    device = generator.device
    with cuda.device(device):
        here, beside = cuda.current_stream(device), cuda.Stream(device)
        beside.wait_stream(here)
        with cuda.stream(beside):
            for _ in range(_WARM_UP):
                step()
        here.wait_stream(beside)
        graph = cuda.CUDAGraph()
        graph.register_generator_state(generator)
        with cuda.graph(graph, stream=beside):
            step()
    replay: Step = graph.replay
    return replay
