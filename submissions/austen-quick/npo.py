"""Negative preference optimisation: make the book unlikely, but not without end.

Source: NPO (Zhang et al. 2024) with its retain term. Gradient ascent on the probability
of whole passages, which fades as they become less likely than under the original model.
Uses: retain and forget.
Faithful constants: beta 0.1, both terms weighted 1.
Not tuned: learning rate 5e-4 of AdamW without decay, falling linearly to 0, 3 epochs
over the forget set in batches of 16, with as many retain passages a step.
"""

import copy
from itertools import chain, repeat

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "NPO"
AUTHORS = "Zhang, Lin, Bai, Mei"
URL = "https://arxiv.org/abs/2404.05868"
TASKS = ("text",)

BETA = 0.1
EPOCHS = 3
BATCH_SIZE = 16
LEARNING_RATE = 5e-4


def unlearning(net, retain, forget, validation):
    """Minimise the NPO loss of the forget set and the usual one of the retain set."""
    original = copy.deepcopy(net).eval()
    forget_batches = DataLoader(forget.dataset, BATCH_SIZE, shuffle=True)
    retain_batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    kept = chain.from_iterable(repeat(retain_batches))
    n_steps = EPOCHS * len(forget_batches)
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, n_steps)
    net.train()
    for inputs, targets in chain.from_iterable(repeat(forget_batches, EPOCHS)):
        read, following = next(kept)
        loss = npo_loss(net, original, inputs, targets)
        loss = loss + F.cross_entropy(net(read), following)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


def npo_loss(net, original, inputs, targets):
    """``2 / beta * log(1 + (p / p of the original) ** beta)``, over whole passages."""
    with torch.no_grad():
        before = log_likelihood(original, inputs, targets)
    gained = log_likelihood(net, inputs, targets) - before
    return 2 / BETA * F.softplus(BETA * gained).mean()


def log_likelihood(net, inputs, targets):
    """Log-probability ``[n]`` of each passage after its first token."""
    return -F.cross_entropy(net(inputs), targets, reduction="none").sum(1)
