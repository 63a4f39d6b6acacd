"""Fine-tune on the retain set while an L1 penalty wipes out what it does not need.

Source: L1-sparse unlearning (Jia et al. 2023). Sparser models forget more easily; the
penalty falls to zero so that accuracy recovers towards the end.
Uses: retain.
Faithful constants: 10 epochs of SGD(0.01, momentum 0.9, weight decay 5e-4), batches of
256; penalty 5e-4 times the sum of all weights' magnitudes, falling linearly to zero.
For cifar10-cpu: the learning rate 0.1 of finetune.py; 0.85 epochs in batches of 128
fit the cap; the penalty falls at every step. Nothing was tuned.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "L1-sparse"
AUTHORS = "Jia, Liu, Ram, Yao, Liu, Liu, Sharma, Liu"
URL = "https://github.com/OPTML-Group/Unlearn-Sparse"

PENALTY = 5e-4
EPOCHS = 0.85
BATCH_SIZE = 128
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Minimise the retain loss plus a falling L1 penalty."""
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    steps = islice(chain.from_iterable(repeat(batches)), n_steps)
    for step, (inputs, targets) in enumerate(steps):
        penalty = PENALTY * (1 - step / n_steps)
        loss = F.cross_entropy(net(inputs), targets) + penalty * magnitude(net)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def magnitude(net):
    """L1 norm of all parameters."""
    return sum(p.abs().sum() for p in net.parameters())
