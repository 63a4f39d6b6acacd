"""Transpose every convolution kernel, then fine-tune on the retain set.

Source: toshi_k & marvelworld's entry to the NeurIPS'23 competition, 5th place; the
first of the two procedures between which they divided their runs (the second used
labels prepared offline for the hidden data). The turned filters are still good
filters, but no longer fit each other, so fine details have to be learned again.
Uses: retain.
Faithful constants: 3 epochs of SGD(1e-3, momentum 0.9, weight decay 5e-4), cosine
decay, batches of 64.
Tuned for cifar10-quick (split seed 7, N = 24, scripts/tune_baselines.py): learning rate
0.06 of 0.02 to 0.15; 1.6 epochs fit the cap; the cosine is stepped at every batch.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Convolution transpose (5th)"
AUTHORS = "toshi_k, marvelworld"
URL = "https://www.kaggle.com/competitions/neurips-2023-machine-unlearning/discussion/458531"

EPOCHS = 1.6
BATCH_SIZE = 64
LEARNING_RATE = 0.06
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Turn the kernels and fine-tune on the retain set."""
    transpose_kernels(net)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    net.train()
    for inputs, targets in islice(chain.from_iterable(repeat(batches)), n_steps):
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def transpose_kernels(net):
    """Swap the two spatial axes of every convolution's kernels."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.copy_(module.weight.transpose(2, 3).clone())
