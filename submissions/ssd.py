"""Dampen the weights that matter more to the forget set than to all the data.

Source: selective synaptic dampening (Foster et al. 2024). The importance of a weight is
its mean squared gradient over batches. No training: where the forget set's importance
exceeds alpha times that of all training data, the weight is scaled down by their
ratio. Runs differ only in how the images fall into batches.
Uses: retain and forget.
Faithful constants: alpha 10, lambda 1, batches of 128, evaluation mode.
Tuned for cifar10-quick (split seed 7, N = 16, scripts/tune_baselines.py): alpha 2 of
1.5 to 5. Batches are of one size: a small last one is noisier, would count more, and
all the runs' variety came from it.
"""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Selective synaptic dampening"
AUTHORS = "Foster, Schoepf, Brintrup"
URL = "https://github.com/if-loops/selective-synaptic-dampening"

ALPHA = 2.0
LAMBDA = 1.0
BATCH_SIZE = 128


def unlearning(net, retain, forget, validation):
    """Scale down the weights that are important to the forget set."""
    net.eval()
    size = min(BATCH_SIZE, len(forget.dataset), len(retain.dataset))
    retain_batches, forget_batches = (
        DataLoader(loader.dataset, size, shuffle=True, drop_last=True)
        for loader in (retain, forget)
    )
    of_retain = squared_gradients(net, retain_batches)
    of_forget = squared_gradients(net, forget_batches)
    n_retain, n_forget = len(retain_batches), len(forget_batches)
    pairs = zip(net.parameters(), of_retain, of_forget, strict=True)
    for parameter, retain_sum, forget_sum in pairs:
        everything = (retain_sum + forget_sum) / (n_retain + n_forget)
        dampen(parameter, everything, forget_sum / n_forget)
    return net


def squared_gradients(net, batches):
    """Sum over batches of each weight's squared gradient of the mean loss."""
    sums = [torch.zeros_like(p) for p in net.parameters()]
    for inputs, targets in batches:
        net.zero_grad()
        F.cross_entropy(net(inputs), targets).backward()
        for total, parameter in zip(sums, net.parameters(), strict=True):
            total.addcmul_(parameter.grad, parameter.grad)
    return sums


@torch.no_grad()
def dampen(parameter, everything, forgotten):
    """Scale the entries that the forget set needs more than `ALPHA` times as much."""
    chosen = forgotten > ALPHA * everything
    factor = (LAMBDA * everything / forgotten).clamp(max=1)
    parameter.copy_(torch.where(chosen, factor * parameter, parameter))
