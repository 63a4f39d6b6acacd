"""The optimizer that a track's recipe names."""

from typing import Any

import torch
from torch import Tensor, nn

from harness.track.schema import Recipe


def recipe_optimizer(
    network: nn.Module, recipe: Recipe, rate: Tensor | None = None
) -> torch.optim.Optimizer:
    """Make it for all weights; a `rate` on a device is read there at each step."""
    weights, decay = network.parameters(), recipe.weight_decay
    given = recipe.learning_rate if rate is None else rate
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            weights,
            lr=given,
            momentum=recipe.momentum,
            weight_decay=decay,
            nesterov=recipe.momentum > 0,
            fused=True,
        )
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    options: dict[str, Any] = {
        "lr": given,
        "betas": (recipe.momentum, 0.999),
        "weight_decay": decay,
        "fused": True,
    }
    # What is recorded in a graph must keep its count of steps on the device.
    recorded = rate is not None and rate.device.type == "cuda"
    return kind(weights, **options, capturable=recorded)
