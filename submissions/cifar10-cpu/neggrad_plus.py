"""Descend on the retain set and climb on the forget set in the same step.

Source: NegGrad+ as in the SCRUB paper's comparison (Kurmanji et al. 2023), and a strong
baseline in later ones. Batch norms keep the original model's statistics throughout.
Uses: retain and forget.
Faithful constants: loss 0.95 * retain - 0.05 * forget; every step takes one batch of
each, the forget loader starting over when it ends; 10 epochs over the retain set,
SGD(0.01, momentum 0.9), batches of 256, evaluation mode.
For cifar10-cpu: the learning rate 0.02, as batches are twice those of cifar10-quick;
0.7 epochs in batches of 128 and 32 fit the cap. Nothing was tuned.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "NegGrad+"
AUTHORS = "Kurmanji, Triantafillou, Hayes, Triantafillou"
URL = "https://arxiv.org/abs/2302.09880"

ALPHA = 0.95  # weight of the retain loss
EPOCHS = 0.7
RETAIN_BATCH = 128
FORGET_BATCH = 32
LEARNING_RATE = 0.02
MOMENTUM = 0.9


def unlearning(net, retain, forget, validation):
    """Minimise the retain loss minus a little of the forget loss."""
    retain_batches = DataLoader(retain.dataset, RETAIN_BATCH, shuffle=True)
    forget_batches = DataLoader(forget.dataset, FORGET_BATCH, shuffle=True)
    n_steps = round(EPOCHS * len(retain_batches))
    pairs = zip(endless(retain_batches), endless(forget_batches), strict=True)
    optimizer = torch.optim.SGD(net.parameters(), LEARNING_RATE, MOMENTUM)
    net.eval()
    for (inputs, targets), (forgotten, labels) in islice(pairs, n_steps):
        retain_loss = F.cross_entropy(net(inputs), targets)
        forget_loss = F.cross_entropy(net(forgotten), labels)
        optimizer.zero_grad()
        (ALPHA * retain_loss - (1 - ALPHA) * forget_loss).backward()
        optimizer.step()
    return net.eval()


def endless(batches):
    """Start over, in a new order, whenever the batches end."""
    return chain.from_iterable(repeat(batches))
