"""Teach random labels through the half of the weights that the forget set moves most.

Source: SalUn, saliency unlearning (Fan et al. 2024). The gradient of the forget loss in
the original model ranks all weights together; the random-labels method then
changes the top half, and every other weight is put back after each step.
Uses: retain and forget.
Faithful constants: top 50 % of all parameters by magnitude of the summed gradient,
evaluation mode; 10 epochs of SGD(0.013, momentum 0.9, weight decay 5e-4), batches of
256; labels uniform over all classes, drawn anew each epoch.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.02 of 0.02 and 0.05; two epochs with 0.55 of a retain pass each fit the cap; batches
of 64.
"""

from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "SalUn"
AUTHORS = "Fan, Liu, Zhang, Wong, Wei, Liu"
URL = "https://github.com/OPTML-Group/Unlearn-Saliency"

SALIENT = 0.5
EPOCHS = 2
RETAIN_SHARE = 0.55  # of a pass over the retain set, in each epoch
BATCH_SIZE = 64
LEARNING_RATE = 0.02
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Train the salient weights on random labels and on the retain set."""
    forget_batches = DataLoader(forget.dataset, BATCH_SIZE, shuffle=True)
    retain_batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_retain_steps = round(RETAIN_SHARE * len(retain_batches))
    n_classes = [m for m in net.modules() if isinstance(m, nn.Linear)][-1].out_features
    original = [p.detach().clone() for p in net.parameters()]
    masks = salient_weights(net, forget_batches)
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )

    def step(inputs, targets):
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        for parameter, mask in zip(net.parameters(), masks, strict=True):
            parameter.grad *= mask
        optimizer.step()
        restore(net, masks, original)

    net.train()
    for _ in range(EPOCHS):
        for inputs, targets in forget_batches:
            step(inputs, torch.randint_like(targets, n_classes))
        for inputs, targets in islice(retain_batches, n_retain_steps):
            step(inputs, targets)
    return net.eval()


def salient_weights(net, forget_batches):
    """Mark the weights with the largest summed gradient of the forget loss."""
    net.eval()
    net.zero_grad()
    for inputs, targets in forget_batches:
        (-F.cross_entropy(net(inputs), targets)).backward()
    saliency = [p.grad.abs() for p in net.parameters()]
    everything = torch.cat([s.flatten() for s in saliency])
    n_others = int((1 - SALIENT) * len(everything))
    threshold = everything.kthvalue(n_others).values if n_others else -1
    return [s > threshold for s in saliency]


@torch.no_grad()
def restore(net, masks, original):
    """Put the weights outside the mask back, whatever weight decay did to them."""
    for parameter, mask, old in zip(net.parameters(), masks, original, strict=True):
        parameter.copy_(torch.where(mask, parameter, old))
