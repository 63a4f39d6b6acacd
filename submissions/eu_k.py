"""Freeze the early layers and train the last ones from scratch on the retain set.

Source: EU-k, exact unlearning of the last k layers (Goel et al. 2022). Whatever the
later layers knew of the forget set is gone for sure; the early ones keep all they know.
The full schedule costs about half a retraining, far over the cap by nature.
Uses: retain.
Faithful constants: the last residual stage of a ResNet and the classifier, which is a
quarter of the convolutions, re-initialised; the original training recipe for all of
its epochs.
Tuned for cifar10-quick: nothing; the recipe is the track's own, of its augmentations
only the mirroring.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "EU-k"
AUTHORS = "Goel, Prabhu, Sanyal, Lim, Torr, Kumaraguru"
URL = "https://github.com/shash42/Evaluating-Inexact-Unlearning"

TRAINED = 1 / 4  # of the convolutions, from the end


def unlearning(net, retain, forget, validation, *, recipe):
    """Re-initialise the last layers and train them with the whole recipe."""
    frozen, trained = split_modules(net)
    net.train()
    for module in frozen:
        module.eval()
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    for module in trained:
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    train(
        net, [p for m in trained for p in m.parameters(recurse=False)], retain, recipe
    )
    net.requires_grad_(True)
    return net.eval()


def split_modules(net):
    """Modules before the last quarter of the convolutions, and those from there on."""
    modules = [m for m in net.modules() if not list(m.children())]
    places = [i for i, m in enumerate(modules) if isinstance(m, nn.Conv2d)]
    first_trained = places[-max(1, int(TRAINED * len(places)))]
    return modules[:first_trained], modules[first_trained:]


def train(net, parameters, retain, recipe):
    """Train these parameters as the track trains a network."""
    batches = DataLoader(
        retain.dataset, recipe.batch_size, shuffle=True, drop_last=True
    )
    optimizer = torch.optim.SGD(
        parameters,
        recipe.learning_rate,
        recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )
    n_steps, step = recipe.epochs * len(batches), 0
    for _ in range(recipe.epochs):
        for inputs, targets in batches:
            optimizer.param_groups[0]["lr"] = rate_at(step / n_steps, recipe)
            images = inputs if recipe.augmentation == "none" else mirror(inputs)
            optimizer.zero_grad()
            F.cross_entropy(net(images), targets).backward()
            optimizer.step()
            step += 1


def rate_at(progress, recipe):
    """Learning rate after a share of the steps: up to the peak, then down to zero."""
    warmup = recipe.warmup_fraction
    if progress < warmup:
        return recipe.learning_rate * progress / warmup
    return recipe.learning_rate * (1 - progress) / (1 - warmup)


def mirror(inputs):
    """Mirror each image with probability one half."""
    chosen = torch.rand(len(inputs), 1, 1, 1, device=inputs.device) < 0.5
    return torch.where(chosen, inputs.flip(3), inputs)
