"""Re-draw random layers and distil the original back, several times over.

Source: team Forget's entry to the NeurIPS'23 competition, 8th place, their second
algorithm. Each cycle re-initialises a few layers chosen at random (so every run forgets
something else) and fits the network's logits to the original model's on noisy retain
images.
Uses: retain.
Faithful constants: 5 epochs with learning rates 5e-4, 1e-3, 1e-3, 1e-3, 1e-3; layers
re-drawn before the 1st, 3rd, 4th and 5th; 6 draws with replacement from ResNet-18's 17
convolutions outside the shortcuts, the classifier never; mean squared error of the
logits; pixel noise of standard deviation 0.01. Optimizer and batches are not stated:
momentum 0.9, weight decay 5e-4 and 64, as in the competition's template.
Tuned for cifar10-quick (split seed 7, N = 8 to 24, scripts/tune_baselines.py): two
cycles with half as many draws, since nothing recovers from more in stages of 0.24
epochs, which are what fits the cap; learning rate 0.01 of 0.01 to 0.3.
"""

import copy
from itertools import chain, islice, repeat

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

NAME = "Forget (8th)"
AUTHORS = "Ahn, Lee, Bae, Yim, Jung"
URL = "https://www.kaggle.com/competitions/neurips-2023-machine-unlearning/discussion/458715"

RATES = (0.5, 1, 1, 1, 1)  # times the learning rate, one for each stage
REDRAW_BEFORE = (0, 2)
REDRAWN = 3 / 17  # draws, as a share of the layers to draw from
STAGE_EPOCHS = 0.24
PIXEL_NOISE = 0.01
BATCH_SIZE = 64
LEARNING_RATE = 0.01
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Cycle between re-initialising layers and distilling on the retain set."""
    teacher = copy.deepcopy(net).eval()
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    steps = chain.from_iterable(repeat(batches))
    n_steps = max(1, round(STAGE_EPOCHS * len(batches)))
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    for stage, rate in enumerate(RATES):
        if stage in REDRAW_BEFORE:
            redraw_layers(net)
        optimizer.param_groups[0]["lr"] = rate * LEARNING_RATE
        for inputs, _ in islice(steps, n_steps):
            # Not randn_like: it is eight times slower on channels-last images.
            noise = torch.randn(inputs.shape, device=inputs.device)
            noisy = inputs + PIXEL_NOISE * noise
            with torch.no_grad():
                wanted = teacher(noisy)
            optimizer.zero_grad()
            F.mse_loss(net(noisy), wanted).backward()
            optimizer.step()
    return net.eval()


def redraw_layers(net):
    """Re-initialise convolutions drawn with replacement, none of a shortcut."""
    pool = [
        m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)
    ]
    n_draws = max(1, round(REDRAWN * len(pool)))
    for index in torch.randint(len(pool), (n_draws,)).tolist():
        pool[index].reset_parameters()
