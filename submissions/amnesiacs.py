"""Reset the first and the last layer, and distil the original back through the rest.

Source: team Algorithmic Amnesiacs' entry to the NeurIPS'23 competition, 6th place. A
warm-up on images that nobody trained on fits the new layers to the old ones; then
the retain set teaches both the labels and the original model's soft predictions.
Uses: retain and validation.
Faithful constants: first convolution and last linear layer re-initialised; warm-up of 3
epochs on the validation set, SGD(9e-4), KL divergence at temperature 5; 3 epochs on
the retain set, SGD(1e-3) with cosine decay, cross-entropy + soft cross-entropy + KL
divergence, both at temperature 5; momentum 0.9, weight decay 5e-4, batches of 64.
Tuned for cifar10-quick (split seed 7, N = 8 to 24, scripts/tune_baselines.py): both
learning rates 0.1 of 0.02 to 0.2; one warm-up epoch and 1.05 retain epochs fit the cap;
the cosine is stepped at every batch.
"""

import copy
from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Algorithmic Amnesiacs (6th)"
AUTHORS = "Stathis Karipidis and others"
URL = "https://www.kaggle.com/code/stathiskaripidis/unlearning-by-resetting-layers-7th-on-private-lb"

WARMUP_EPOCHS = 1
EPOCHS = 1.05
BATCH_SIZE = 64
WARMUP_RATE = 0.1
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
TEMPERATURE = 5


def unlearning(net, retain, forget, validation):
    """Reset two layers, warm up on validation images, distil on the retain set."""
    teacher = copy.deepcopy(net).eval()
    reset_ends(net)
    net.train()
    warm_up(net, teacher, validation)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = make_optimizer(net, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for inputs, targets in islice(chain.from_iterable(repeat(batches)), n_steps):
        logits, taught = net(inputs), predict(teacher, inputs)
        # Soft cross-entropy is the divergence plus a constant: twice the divergence.
        loss = F.cross_entropy(logits, targets) + 2 * divergence(logits, taught)
        descend(optimizer, loss)
        schedule.step()
    return net.eval()


def reset_ends(net):
    """Re-initialise the first convolution and the last linear layer."""
    next(m for m in net.modules() if isinstance(m, nn.Conv2d)).reset_parameters()
    [m for m in net.modules() if isinstance(m, nn.Linear)][-1].reset_parameters()


def warm_up(net, teacher, validation):
    """Fit the reset network to the teacher on the validation images."""
    optimizer = make_optimizer(net, WARMUP_RATE)
    batches = DataLoader(validation.dataset, BATCH_SIZE, shuffle=True)
    for _ in range(WARMUP_EPOCHS):
        for inputs, _ in batches:
            descend(optimizer, divergence(net(inputs), predict(teacher, inputs)))


def make_optimizer(net, rate):
    """Momentum SGD over all parameters."""
    return torch.optim.SGD(net.parameters(), rate, MOMENTUM, weight_decay=WEIGHT_DECAY)


@torch.no_grad()
def predict(teacher, inputs):
    """Logits of the original model."""
    return teacher(inputs)


def divergence(logits, taught):
    """KL divergence of the student from the teacher at the temperature, batch mean."""
    return F.kl_div(
        (logits / TEMPERATURE).log_softmax(1),
        (taught / TEMPERATURE).log_softmax(1),
        reduction="batchmean",
        log_target=True,
    )


def descend(optimizer, loss):
    """Take one step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
