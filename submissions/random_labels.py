"""Teach the forget set random labels, then the retain set its true ones.

Source: the "random labels" baseline (Golatkar et al. 2020) in the form of SalUn's code
(Fan et al. 2024): each epoch draws the labels anew from all classes, passes over the
forget set, then over the retain set.
Uses: retain and forget.
Faithful constants: 10 epochs of SGD(0.013, momentum 0.9, weight decay 5e-4), batches
of 256.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.02 of 0.02 and 0.05; two epochs with 0.65 of a retain pass each fit the cap; batches
of 64.
"""

from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Random labels"
AUTHORS = "Golatkar, Achille, Soatto; Fan et al."
URL = "https://github.com/OPTML-Group/Unlearn-Saliency"

EPOCHS = 2
RETAIN_SHARE = 0.65  # of a pass over the retain set, in each epoch
BATCH_SIZE = 64
LEARNING_RATE = 0.02
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Alternate between forget images with random labels and the retain set."""
    forget_batches = DataLoader(forget.dataset, BATCH_SIZE, shuffle=True)
    retain_batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_retain_steps = round(RETAIN_SHARE * len(retain_batches))
    n_classes = [m for m in net.modules() if isinstance(m, nn.Linear)][-1].out_features
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    for _ in range(EPOCHS):
        for inputs, targets in forget_batches:
            descend(optimizer, net(inputs), torch.randint_like(targets, n_classes))
        for inputs, targets in islice(retain_batches, n_retain_steps):
            descend(optimizer, net(inputs), targets)
    return net.eval()


def descend(optimizer, logits, targets):
    """Take one step on the cross-entropy."""
    optimizer.zero_grad()
    F.cross_entropy(logits, targets).backward()
    optimizer.step()
