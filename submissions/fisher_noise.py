"""Add noise to each weight, the more the less the retain set depends on it.

Source: Fisher forgetting (Golatkar et al. 2020). The diagonal of the Fisher information
on the retain set says how much noise each weight bears. No training follows.
Uses: retain.
Faithful constants: variance alpha / F with alpha 1e-6; 1 / F at most 1e3, in the last
layer 1e2; averaged over a tensor's input channels; ten times as much in the last layer
and in one-dimensional tensors. F is the mean over images of the squared gradient of the
loss, averaged over labels as the model predicts them; here with one label an image
drawn from the prediction instead of all of them, which estimates the same.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): alpha 3e-6 of
1e-6 and 3e-6; 300 random retain images fit the cap.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler

NAME = "Fisher noise"
AUTHORS = "Golatkar, Achille, Soatto"
URL = "https://arxiv.org/abs/1911.04933"

ALPHA = 3e-6
N_IMAGES = 300
MOST = 1e3  # largest 1 / F
MOST_IN_LAST_LAYER = 1e2
BOOST = 10


def unlearning(net, retain, forget, validation):
    """Estimate the Fisher information and add the noise that it allows."""
    net.eval()
    n_images = min(N_IMAGES, len(retain.dataset))
    sampler = RandomSampler(retain.dataset, num_samples=n_images)
    information = fisher(net, DataLoader(retain.dataset, 1, sampler=sampler))
    last = [m for m in net.modules() if isinstance(m, nn.Linear)][-1]
    of_last_layer = {id(p) for p in last.parameters()}
    for parameter, diagonal in zip(net.parameters(), information, strict=True):
        add_noise(parameter, diagonal, is_last=id(parameter) in of_last_layer)
    return net


def fisher(net, images):
    """Diagonal of the Fisher information, from images that come one at a time."""
    sums = [torch.zeros_like(p) for p in net.parameters()]
    for inputs, _ in images:
        logits = net(inputs)
        drawn = torch.multinomial(logits.detach().softmax(1), 1)[:, 0]
        net.zero_grad()
        F.cross_entropy(logits, drawn).backward()
        for total, parameter in zip(sums, net.parameters(), strict=True):
            total.addcmul_(parameter.grad, parameter.grad)
    return [total / len(images) for total in sums]


@torch.no_grad()
def add_noise(parameter, diagonal, *, is_last):
    """Add Gaussian noise with the variance that the Fisher information allows."""
    inverse = 1 / (diagonal + 1e-8)
    variance = ALPHA * inverse.clamp(max=MOST_IN_LAST_LAYER if is_last else MOST)
    if parameter.ndim > 1:
        variance = variance.mean(1, keepdim=True)
    if is_last or parameter.ndim == 1:
        variance = BOOST * variance
    parameter += variance.sqrt() * torch.randn_like(parameter)
