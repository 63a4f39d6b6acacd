"""Train on with the retain set alone and trust the network to forget the rest.

Source: the NeurIPS'23 competition's starting kit, where it is the baseline to beat.
Uses: retain.
Faithful constants: 5 epochs, SGD with momentum 0.9 and weight decay 5e-4, learning rate
0.1 with cosine decay stepped once an epoch, batches of 128.
For cifar10-cpu: the starting kit's learning rate and batches; 0.9 epochs fit the cap;
the cosine is stepped at every batch. Nothing was tuned.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Fine-tuning"
AUTHORS = "Organizers of the NeurIPS'23 Machine Unlearning Challenge"
URL = "https://github.com/unlearning-challenge/starting-kit"

EPOCHS = 0.9
BATCH_SIZE = 128
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Minimise the cross-entropy of the retain set."""
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
