"""Train one language model: the passages resident as one tensor, float32."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.tasks.optimizer import recipe_optimizer
from harness.track.schema import Recipe


def train(
    network: nn.Module, recipe: Recipe, inputs: Tensor, targets: Tensor, *, seed: int
) -> nn.Module:
    """Train a fresh network on passages; return it in evaluation mode.

    The seed draws the order of the passages. On one CPU thread, the same seed gives the
    same bits on the same kind of machine.
    """
    device, n_passages = targets.device, len(targets)
    generator = torch.Generator(device=device).manual_seed(seed)
    optimizer = recipe_optimizer(network, recipe)
    n_steps, step = recipe.steps(n_passages), 0
    smoothing = recipe.label_smoothing
    network.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(n_passages, generator=generator, device=device)
        for batch in torch.split(order, recipe.batch_size)[: n_steps // recipe.epochs]:
            optimizer.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
            logits = network(inputs[batch])
            loss = F.cross_entropy(logits, targets[batch], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
    return network.eval()
