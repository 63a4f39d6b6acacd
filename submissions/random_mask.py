"""Set a random share of all weights to zero, then fine-tune on the retain set.

Source: songxinkuan's entry to the NeurIPS'23 competition (private leaderboard 0.0937:
among the very best, and the simplest of them).
Uses: retain.
Faithful constants: each entry of every parameter outside batch norm is zeroed with
probability one half; 5 epochs of Adam(1e-4, weight decay 1e-4), batches of 64, cosine
decay to a tenth stepped at every batch.
Tuned for cifar10-quick (split seed 7, N = 16 to 32, scripts/tune_baselines.py): a share
of 0.3 of 0.3 and 0.5; learning rate 4e-3 of 1e-3 to 1e-2; 1.7 epochs fit the cap.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Random mask"
AUTHORS = "songxinkuan"
URL = "https://github.com/songxinkuan/Machine-unlearning-random-mask"

MASKED = 0.3
EPOCHS = 1.7
BATCH_SIZE = 64
LEARNING_RATE = 4e-3
LAST_RATE = 0.1  # of the learning rate
WEIGHT_DECAY = 1e-4


def unlearning(net, retain, forget, validation):
    """Zero a random share of the weights and train on the retain set."""
    mask_weights(net)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.Adam(
        net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, n_steps, eta_min=LAST_RATE * LEARNING_RATE
    )
    net.train()
    for inputs, targets in islice(chain.from_iterable(repeat(batches)), n_steps):
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def mask_weights(net):
    """Zero each entry outside batch norm with probability `MASKED`."""
    for module in net.modules():
        if not isinstance(module, nn.BatchNorm2d):
            for parameter in module.parameters(recurse=False):
                parameter.mul_(torch.rand_like(parameter) >= MASKED)
