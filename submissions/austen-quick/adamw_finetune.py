"""Train on without the book, with the optimizer and the rates of training.

Source: fine-tuning, the oldest baseline; SGD as for images hardly moves this network,
so that it is AdamW with a one-cycle schedule here, as in the track's recipe.
Uses: retain.
Faithful constants: none; AdamW(0.9, 0.98), weight decay 0.05, batches of 16.
Tuned for austen-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.025 of 0.004 to 0.025, by which the calibrated score went from 0.001 to 0.106; 1.6
epochs fit the cap.
"""

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Fine-tuning with AdamW"
TASKS = ("text",)

EPOCHS = 1.6
BATCH_SIZE = 16
LEARNING_RATE = 2.5e-2
WARMUP = 0.2  # of all steps


def unlearning(net, retain, forget, validation):
    """Fine-tune on the retain set for a part of the recipe's epochs."""
    batches = DataLoader(retain.dataset, BATCH_SIZE, shuffle=True)
    n_steps = round(EPOCHS * len(batches))
    optimizer = torch.optim.AdamW(
        net.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.05
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, n_steps, pct_start=WARMUP, cycle_momentum=False
    )
    net.train()
    done = 0
    while done < n_steps:
        for inputs, targets in batches:
            if done == n_steps:
                break
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), targets).backward()
            optimizer.step()
            schedule.step()
            done += 1
    net.eval()
