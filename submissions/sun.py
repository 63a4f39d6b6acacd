"""Reset the classifier and train a few random tensors at a time, some shaken first.

Source: Jiaxi Sun's entry to the NeurIPS'23 competition, 7th place. In each of the first
five epochs only a random choice of tensors and the batch norms learn, and most of the
chosen ones get noise before, each at most once; in the last four everything learns.
Uses: retain.
Faithful constants: 9 epochs, a fresh SGD(momentum 0.9, weight decay 5e-4) in each,
batches of 64, learning rates 2e-4 and in the last epoch 1e-3; 9 of ResNet-18's 28
tensors outside batch norm a stage; noise of standard deviation 0.04 on 6 of the 9,
from the second stage on.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.02 of 0.005 to 0.1; each epoch is a stage of a fifth of a pass, so that all nine fit
the cap.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Sun (7th)"
AUTHORS = "Jiaxi Sun"
URL = "https://www.kaggle.com/competitions/neurips-2023-machine-unlearning/discussion/459095"

PARTIAL_STAGES = 5
FULL_STAGES = 4
STAGE_EPOCHS = 0.2
CHOSEN = 9 / 28  # of the tensors outside batch norm
NOISED = 0.7  # of the chosen ones
NOISE = 0.04
BATCH_SIZE = 64
LEARNING_RATE = 0.02
LAST_RATE = 5  # times the learning rate, in the last stage
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Train random parts, then all, on the retain set."""
    [m for m in net.modules() if isinstance(m, nn.Linear)][-1].reset_parameters()
    norms, others = split_tensors(net)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    steps = chain.from_iterable(repeat(batches))
    n_steps = max(1, round(STAGE_EPOCHS * len(batches)))
    seen = set()
    net.train()
    for stage in range(PARTIAL_STAGES):
        chosen = choose(len(others))
        noised = chosen[: int(NOISED * len(chosen))] if stage > 0 else []
        for index in set(noised) - seen:
            add_noise(others[index])
        seen.update(chosen)
        train(net, islice(steps, n_steps), norms + [others[i] for i in chosen], 1)
    for stage in range(FULL_STAGES):
        rate = LAST_RATE if stage == FULL_STAGES - 1 else 1
        train(net, islice(steps, n_steps), norms + others, rate)
    return net.eval()


def split_tensors(net):
    """Parameters of the batch norms, and all others."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    inside = [p for norm in norms for p in norm.parameters()]
    names = {id(p) for p in inside}
    return inside, [p for p in net.parameters() if id(p) not in names]


def choose(count):
    """Draw a share of the numbers below `count`, at least one of them."""
    return torch.randperm(count)[: max(1, round(CHOSEN * count))].tolist()


@torch.no_grad()
def add_noise(tensor):
    """Add Gaussian noise to a tensor."""
    tensor += NOISE * torch.randn_like(tensor)


def train(net, batches, parameters, rate):
    """Train these parameters and no others, with an optimizer of their own."""
    net.requires_grad_(False)
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD(
        parameters, rate * LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    for inputs, targets in batches:
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
    net.requires_grad_(True)
