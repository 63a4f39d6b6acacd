"""The optimizer that a track's recipe names."""

import torch
from torch import nn

from harness.track.schema import Recipe


def recipe_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Make it for all weights of a network."""
    weights, rate = network.parameters(), recipe.learning_rate
    decay = recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            weights,
            lr=rate,
            momentum=recipe.momentum,
            weight_decay=decay,
            nesterov=recipe.momentum > 0,
            fused=True,
        )
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    betas = (recipe.momentum, 0.999)
    return kind(weights, lr=rate, betas=betas, weight_decay=decay, fused=True)
