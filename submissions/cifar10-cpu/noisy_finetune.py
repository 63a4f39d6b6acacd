"""Shake every weight at random, then fine-tune on the retain set.

Source: lumliolum's entry to the NeurIPS'23 competition (noise, then fine-tuning). The
noise erases a little of everything and makes each run end somewhere else.
Uses: retain.
Faithful constants: noise of standard deviation 1e-3 on all weights, then one epoch of
SGD(1e-3, momentum 0.9, weight decay 5e-4), cosine decay, batches of 64.
For cifar10-cpu: the noise is 0.7 times each tensor's own standard deviation, as tuned
for cifar10-quick; the learning rate 0.1 of finetune.py; 0.9 epochs in batches of 128
fit the cap. Nothing was tuned.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Noisy fine-tuning"
AUTHORS = "lumliolum"
URL = "https://github.com/lumliolum/neurips-machine-unlearning-2023"

NOISE = 0.7  # times the standard deviation of the tensor
EPOCHS = 0.9
BATCH_SIZE = 128
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Add noise to the weights and minimise the cross-entropy of the retain set."""
    add_noise(net)
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
def add_noise(net):
    """Add Gaussian noise to the weight of every convolution and linear layer."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            noise = torch.randn_like(module.weight)
            module.weight += NOISE * module.weight.std() * noise
