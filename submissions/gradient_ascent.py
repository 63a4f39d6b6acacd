"""Climb the loss of the forget set: the oldest idea, also called NegGrad.

Source: the plain baseline of the unlearning literature (Golatkar et al. 2020 and the
2023 competition, where it scored about 0.0001). Nothing pulls the network back, so it
breaks when the learning rate or the number of passes grows.
Uses: forget.
Faithful constants: 5 epochs over the forget set, SGD(1e-4, momentum 0.9, weight decay
5e-4), batches of 256, training mode.
Tuned for cifar10-quick (split seed 7, N = 16, scripts/tune_baselines.py): learning rate
1e-2 of 3e-4 to 1.5e-2, where accuracy begins to fall.
"""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Gradient ascent"
AUTHORS = "Golatkar, Achille, Soatto"
URL = "https://arxiv.org/abs/1911.04933"

EPOCHS = 5
BATCH_SIZE = 256
LEARNING_RATE = 1e-2
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def unlearning(net, retain, forget, validation):
    """Maximise the cross-entropy of the forget set."""
    batches = DataLoader(forget.dataset, BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.SGD(
        net.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    net.train()
    for _ in range(EPOCHS):
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = -F.cross_entropy(net(inputs), targets)
            loss.backward()
            optimizer.step()
    return net.eval()
