"""Retrain from scratch on the retain set alone: the oracle.

The plain way, float32, on the loader it is given, with the track's own recipe. Uses
the retain set. It is over the cap by nature: it is the cost that the cap is measured
against, and its F must land on the ceiling, which tests the reference bank.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Retrain (oracle)"
REFERENCE = True
CROP_PADDING = 4


def unlearning(net, retain, forget, validation, *, recipe):
    """Forget everything, then learn the retain set."""
    net = fresh(net)
    batches = DataLoader(
        retain.dataset, batch_size=recipe.batch_size, shuffle=True, drop_last=True
    )
    optimizer = optimizer_of(net, recipe)
    n_steps, step = recipe.epochs * len(batches), 0
    net.train()
    for _ in range(recipe.epochs):
        for inputs, targets in batches:
            optimizer.param_groups[0]["lr"] = recipe.rate_at(step, n_steps)
            loss = F.cross_entropy(
                net(augment(inputs, recipe.augmentation)),
                targets,
                label_smoothing=recipe.label_smoothing,
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    return net.eval()


def optimizer_of(net, recipe):
    """Make the recipe's optimizer."""
    options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            net.parameters(),
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            **options,
        )
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(net.parameters(), betas=(recipe.momentum, 0.999), **options)


def fresh(net):
    """Copy a network and draw its initial weights anew."""
    net = copy.deepcopy(net)
    from_torchvision = type(net).__module__.startswith("torchvision")
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
        if from_torchvision and isinstance(module, nn.Conv2d):
            # Torchvision's networks do not start from the layers' defaults.
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def augment(images, augmentation):
    """Mirror each image with probability one half, and move it where asked."""
    if augmentation == "none":
        return images
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    return images if augmentation == "flip" else crop(images)


def crop(images):
    """Move each image by up to four pixels either way, filled in by reflection."""
    n, _, height, width = images.shape
    padded = F.pad(images, (CROP_PADDING,) * 4, mode="reflect").permute(0, 2, 3, 1)
    top, left = torch.randint(2 * CROP_PADDING + 1, (2, n, 1), device=images.device)
    rows = (top + torch.arange(height, device=images.device))[:, :, None]
    columns = (left + torch.arange(width, device=images.device))[:, None, :]
    index = torch.arange(n, device=images.device)[:, None, None]
    return padded[index, rows, columns].permute(0, 3, 1, 2)
