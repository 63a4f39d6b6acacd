"""Freeze the early layers and fine-tune the last ones until they forget.

Source: CF-k, catastrophic forgetting of the last k layers (Goel et al. 2022). The
later layers hold most of what is particular to single images.
Uses: retain.
Faithful constants: the last residual stage of a ResNet and the classifier, which is a
quarter of the convolutions; 10 epochs of SGD(0.01, momentum 0.9, weight decay 5e-4),
constant, batches of 256.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.1 of 0.05 and 0.1; 3.5 epochs in batches of 64 fit the cap.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "CF-k"
AUTHORS = "Goel, Prabhu, Sanyal, Lim, Torr, Kumaraguru"
URL = "https://github.com/shash42/Evaluating-Inexact-Unlearning"

TRAINED = 1 / 4  # of the convolutions, from the end
EPOCHS = 3.5
BATCH_SIZE = 64
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Fine-tune the last layers on the retain set."""
    frozen, trained = split_modules(net)
    net.train()
    for module in frozen:
        module.eval()
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.SGD(
        [p for module in trained for p in module.parameters(recurse=False)],
        LEARNING_RATE,
        MOMENTUM,
        weight_decay=WEIGHT_DECAY,
    )
    for inputs, targets in islice(chain.from_iterable(repeat(batches)), n_steps):
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
    net.requires_grad_(True)
    return net.eval()


def split_modules(net):
    """Modules before the last quarter of the convolutions, and those from there on."""
    modules = [m for m in net.modules() if not list(m.children())]
    places = [i for i, m in enumerate(modules) if isinstance(m, nn.Conv2d)]
    first_trained = places[-max(1, int(TRAINED * len(places)))]
    return modules[:first_trained], modules[first_trained:]
