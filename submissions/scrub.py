"""Obey the original model on the retain set and disobey it on the forget set.

Source: SCRUB (Kurmanji et al. 2023). The student starts as a copy of the teacher, which
is frozen. Each of the first epochs begins with a pass over the forget set that drives
the student's predictions away from the teacher's; every epoch ends with the retain set,
its labels and the teacher's predictions.
Uses: retain and forget.
Faithful constants: those of its large-scale setting for CIFAR-10: 3 epochs, the first 2
with a forget pass; retain loss 0.99 * cross-entropy + 0.001 * distillation at
temperature 4, with the factor 16; SGD(5e-4, momentum 0.9, weight decay 5e-4), batches
of 128 retain and 32 forget images.
Tuned for cifar10-quick (split seed 7, N = 24, scripts/tune_baselines.py): learning rate
0.004 of 0.002 to 0.02; from 0.006 on some runs collapse; retain passes are cut to 0.3
of the set, which fits the cap; batches of 64 retain images.
"""

import copy
from itertools import islice

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "SCRUB"
AUTHORS = "Kurmanji, Triantafillou, Hayes, Triantafillou"
URL = "https://github.com/meghdadk/SCRUB"

EPOCHS = 3
FORGET_EPOCHS = 2
RETAIN_SHARE = 0.3  # of a pass over the retain set, in each epoch
RETAIN_BATCH = 64
FORGET_BATCH = 32
LABEL_WEIGHT = 0.99
TEACHER_WEIGHT = 0.001
TEMPERATURE = 4
LEARNING_RATE = 0.004
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Alternate between forget passes away from the teacher and retain passes."""
    teacher = copy.deepcopy(net).eval()
    forget_batches = DataLoader(forget.dataset, FORGET_BATCH, shuffle=True)
    retain_batches = DataLoader(retain.dataset, RETAIN_BATCH, shuffle=True)
    n_retain_steps = round(RETAIN_SHARE * len(retain_batches))
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    for epoch in range(EPOCHS):
        if epoch < FORGET_EPOCHS:
            for inputs, _ in forget_batches:
                descend(optimizer, -distillation(net(inputs), teach(teacher, inputs)))
        for inputs, targets in islice(retain_batches, n_retain_steps):
            logits = net(inputs)
            taught = distillation(logits, teach(teacher, inputs))
            labels = F.cross_entropy(logits, targets)
            descend(optimizer, LABEL_WEIGHT * labels + TEACHER_WEIGHT * taught)
    return net.eval()


@torch.no_grad()
def teach(teacher, inputs):
    """Logits of the original model."""
    return teacher(inputs)


def distillation(logits, taught):
    """KL divergence of student from teacher, times the squared temperature."""
    divergence = F.kl_div(
        (logits / TEMPERATURE).log_softmax(1),
        (taught / TEMPERATURE).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )
    return TEMPERATURE**2 * divergence


def descend(optimizer, loss):
    """Take one step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
