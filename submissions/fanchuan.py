"""Blur the forget set, then alternate between pushing it off and learning the rest.

Source: fanchuan's entry to the NeurIPS'23 competition, 1st place. First one pass over
the forget set pulls its predictions to the uniform distribution. Then, in rounds: a
forget round makes each forget example equally similar to all examples of a retain
batch (similarity: the dot product of the logits), and a retain round trains on the
retain set. Three optimizers, one for each kind of step. The write-up calls the forget
round contrastive; what it minimises is the mean of minus the log-softmax, so here too.
Uses: retain and forget.
Faithful constants: 8 rounds, each with a whole pass over the retain set; batches of 64
forget and 256 retain images; temperature 1.15; SGD with momentum 0.9 and learning
rates 5e-3 (first pass), 3e-4 falling to 1e-6 as a cosine over all forget rounds,
4e-3 with weight decay 1e-2 (retain rounds).
Tuned for cifar10-quick (split seed 7, N = 16, scripts/tune_baselines.py): one round
(better than two with half a pass each), which is all that fits the cap; retain
learning rate 0.05 of 0.03 to 0.08.
"""

from itertools import islice

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Fanchuan (1st)"
AUTHORS = "fanchuan"
URL = "https://www.kaggle.com/competitions/neurips-2023-machine-unlearning/discussion/458721"

ROUNDS = 1
RETAIN_SHARE = 1.0  # of a pass, in each retain round
FORGET_BATCH = 64
RETAIN_BATCH = 256
TEMPERATURE = 1.15
BLUR_RATE = 5e-3
FORGET_RATE = 3e-4
FORGET_LAST_RATE = 1e-6
RETAIN_RATE = 0.05
RETAIN_DECAY = 1e-2
MOMENTUM = 0.9


def unlearning(net, retain, forget, validation):
    """Blur the forget set, then alternate forget and retain rounds."""
    forget_batches = DataLoader(forget.dataset, FORGET_BATCH, shuffle=True)
    retain_batches = DataLoader(retain.dataset, RETAIN_BATCH, shuffle=True)
    blur_steps = torch.optim.SGD(net.parameters(), BLUR_RATE, MOMENTUM)
    forget_steps = torch.optim.SGD(net.parameters(), FORGET_RATE, MOMENTUM)
    retain_steps = torch.optim.SGD(
        net.parameters(), RETAIN_RATE, MOMENTUM, weight_decay=RETAIN_DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        forget_steps, ROUNDS * len(forget_batches), eta_min=FORGET_LAST_RATE
    )
    net.train()
    for inputs, _ in forget_batches:
        descend(blur_steps, distance_to_uniform(net(inputs)))
    for _ in range(ROUNDS):
        for (inputs, _), (others, _) in zip(
            forget_batches, retain_batches, strict=False
        ):
            with torch.no_grad():
                anchors = net(others)
            descend(forget_steps, similarity_loss(net(inputs), anchors))
            schedule.step()
        n_steps = round(RETAIN_SHARE * len(retain_batches))
        for inputs, targets in islice(retain_batches, n_steps):
            descend(retain_steps, F.cross_entropy(net(inputs), targets))
    return net.eval()


def descend(optimizer, loss):
    """Take one step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def distance_to_uniform(logits):
    """KL divergence of the predictions from the uniform distribution, batch mean."""
    uniform = torch.full_like(logits, 1 / logits.shape[1])
    return F.kl_div(logits.log_softmax(1), uniform, reduction="batchmean")


def similarity_loss(logits, anchors):
    """Mean of minus the log-softmax of each forget row's similarities."""
    return -(logits @ anchors.T / TEMPERATURE).log_softmax(1).mean()
