"""Learn the forget set from a teacher that knows nothing, the rest from the original.

Source: bad teaching (Chundawat et al. 2023). Two frozen teachers: a freshly initialised
network for the forget images and the original model for a random part of the retain
images. The student, which starts as the original, matches their predictions on the
mixture of both; labels are never used.
Uses: retain and forget.
Faithful constants: all forget images and a random 30 % of the retain images, one epoch
of Adam(1e-4), batches of 256, KL divergence at temperature 1.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
1e-3 of 1e-3 and 3e-3; two epochs in batches of 64.
"""

import copy

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

NAME = "Bad teacher"
AUTHORS = "Chundawat, Tarun, Mandal, Kankanhalli"
URL = "https://github.com/vikram2000b/bad-teaching-unlearning"

RETAIN_SHARE = 0.3
EPOCHS = 2
BATCH_SIZE = 64
LEARNING_RATE = 1e-3


def unlearning(net, retain, forget, validation):
    """Match the bad teacher on forget images and the good one on retain images."""
    good, bad = copy.deepcopy(net).eval(), initialise(copy.deepcopy(net)).eval()
    batches = DataLoader(mix(retain, forget), BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    net.train()
    for _ in range(EPOCHS):
        for inputs, is_forgotten in batches:
            optimizer.zero_grad()
            wanted = targets(inputs, is_forgotten, good, bad)
            logs = net(inputs).log_softmax(1)
            F.kl_div(logs, wanted, reduction="batchmean").backward()
            optimizer.step()
    return net.eval()


def initialise(net):
    """Draw all weights anew."""
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return net


def mix(retain, forget):
    """All forget images and a random part of the retain images, each with its flag."""
    n_drawn = max(1, int(RETAIN_SHARE * len(retain.dataset)))
    sampler = RandomSampler(retain.dataset, num_samples=n_drawn)
    drawn = DataLoader(retain.dataset, BATCH_SIZE, sampler=sampler)
    kept = torch.cat([inputs for inputs, _ in drawn])
    forgotten = torch.cat([inputs for inputs, _ in forget])
    flags = torch.zeros(len(kept) + len(forgotten), device=kept.device)
    flags[len(kept) :] = 1
    return TensorDataset(torch.cat([kept, forgotten]), flags)


@torch.no_grad()
def targets(inputs, is_forgotten, good, bad):
    """Predictions of the teacher that each image has."""
    flags = is_forgotten[:, None]
    return flags * bad(inputs).softmax(1) + (1 - flags) * good(inputs).softmax(1)
