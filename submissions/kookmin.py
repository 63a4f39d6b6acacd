"""Re-draw the weights that tell retain from forget least, then fine-tune gently.

Source: team Kookmin Y's entry to the NeurIPS'23 competition, 2nd place. The gradient of
the retain loss minus that of the forget loss is accumulated over the forget set and as
many random retain images. In each convolution the 30 % of weights where it is smallest
are drawn anew; in the fine-tuning that follows the others learn ten times slower.
Uses: retain and forget.
Faithful constants: 30 % a layer, Kaiming normal (fan out); gradients of the kept
convolution weights times 0.1; 5 epochs of SGD(1e-3, momentum 0.9, weight decay 5e-4),
batches of 64, the learning rate times 1/3, 2/3, 1, 2/3, 1/3.
Tuned for cifar10-quick (split seed 7, N = 16 to 24, scripts/tune_baselines.py): the
learning rate 0.1 of 0.05 to 0.2; 1.4 epochs fit the cap, and more help a little; the
five rates each hold for a fifth of the steps.
"""

from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler

NAME = "Kookmin (2nd)"
AUTHORS = "Kookmin Y"
URL = "https://www.kaggle.com/competitions/neurips-2023-machine-unlearning/discussion/459200"

REDRAWN = 0.3
KEPT_GRADIENT = 0.1
EPOCHS = 1.4
RATES = (1 / 3, 2 / 3, 1, 2 / 3, 1 / 3)  # times the learning rate, in equal parts
BATCH_SIZE = 64
LEARNING_RATE = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Re-draw convolution weights and fine-tune on the retain set."""
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    accumulate_gradients(net, retain, forget)
    masks = {conv: smallest(conv.weight.grad) for conv in convolutions}
    for conv, mask in masks.items():
        redraw(conv, mask)
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    steps = islice(chain.from_iterable(repeat(batches)), n_steps)
    for step, (inputs, targets) in enumerate(steps):
        rate = RATES[step * len(RATES) // n_steps]
        optimizer.param_groups[0]["lr"] = rate * LEARNING_RATE
        optimizer.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        for conv, mask in masks.items():
            conv.weight.grad *= torch.where(mask, 1.0, KEPT_GRADIENT)
        optimizer.step()
    return net.eval()


def accumulate_gradients(net, retain, forget):
    """Sum up the retain batches' gradients and subtract the forget batches'."""
    n_images = len(forget.dataset)
    sampler = RandomSampler(retain.dataset, num_samples=n_images)
    retain_batches = DataLoader(retain.dataset, BATCH_SIZE, sampler=sampler)
    forget_batches = DataLoader(forget.dataset, BATCH_SIZE, shuffle=True)
    net.zero_grad()
    for sign, batches in ((1, retain_batches), (-1, forget_batches)):
        for inputs, targets in batches:
            (sign * F.cross_entropy(net(inputs), targets)).backward()


def smallest(gradient):
    """Mark the share of entries with the smallest magnitude."""
    n_chosen = max(1, int(REDRAWN * gradient.numel()))
    magnitude = gradient.abs().flatten()
    mask = torch.zeros_like(magnitude, dtype=torch.bool)
    mask[magnitude.topk(n_chosen, largest=False).indices] = True
    return mask.view_as(gradient)


@torch.no_grad()
def redraw(conv, mask):
    """Draw the marked weights of a convolution anew."""
    fresh = torch.empty_like(conv.weight)
    nn.init.kaiming_normal_(fresh, mode="fan_out", nonlinearity="relu")
    conv.weight.copy_(torch.where(mask, fresh, conv.weight))
