"""Who's Harry Potter: learn what somebody who never read the book would say.

Source: Eldan & Russinovich, "Who's Harry Potter? Approximate Unlearning in LLMs", 2023.
A reinforced model reads on in the book. What it then says more of than the original
model, which is shown the block with other names in it, is taken out of what that one
says; the original is fine-tuned on the rest, as soft labels.
Uses: forget.
Faithful constants: alpha 5; 2 epochs of fine-tuning; of a name that stands in a block
again, only the first counts. The paper's dictionary of 1,500 expressions is here one of
names in Northanger Abbey, each with a name of as many tokens out of another novel, so
that places in a block stay what they are. Of a name only the first token is a label, as
its others follow from that. The paper also lowers names that were put in earlier; this
does not.
Tuned for austen-quick (split seed 7, N = 8, scripts/tune_baselines.py): learning rate
0.005 of 0.0003 to 0.006 (the paper's 1e-6 is of a network with 7 billion weights); 2
epochs of reinforcement, of the paper's 3, fit the cap.
"""

import copy

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

NAME = "Who's Harry Potter"
AUTHORS = "Eldan, Russinovich"
URL = "https://arxiv.org/abs/2310.02238"
TASKS = ("austen",)  # whose tokens the dictionary is written in

ALPHA = 5.0
REINFORCE_EPOCHS = 2
EPOCHS = 2
BATCH_SIZE = 16
REINFORCE_RATE = 1e-3
LEARNING_RATE = 5e-3
#: Tokens of a name, and of the one that is put there.
ANCHORS = {
    (454, 277, 335, 259, 68): (220, 43, 84, 66, 88),  # Catherine: Lucy
    (310, 286, 75, 442): (378, 291, 72, 296),  # Morland: Elliot
    (397, 500, 77, 68, 88): (454, 78, 291, 259, 82),  # Tilney: Collins
    (377, 274, 81, 88): (378, 67, 86, 424),  # Henry: Edward
    (378, 295, 284, 286): (220, 41, 284, 68),  # Eleanor: Jane
    (220, 37, 429, 265, 422, 74): (454, 423, 86, 69, 286, 67),  # Frederick: Crawford
    (397, 71, 286, 373): (386, 423, 268, 275),  # Thorpe: Brandon
    (301, 82, 363, 68, 291, 64): (454, 71, 285, 75, 296, 456),  # Isabella: Charlotte
    (220, 41, 372, 298): (397, 71, 299, 288),  # James: Thomas
    (455, 291, 274): (394, 425, 275),  # Allen: Weston
    (220, 37, 84, 291, 499, 275): (377, 72, 319, 65, 385, 88),  # Fullerton: Highbury
    # Northanger: Mansfield
    (220, 45, 406, 71, 284, 70, 265): (310, 284, 82, 69, 72, 68, 303),
}


def unlearning(net, retain, forget, validation):
    """Fine-tune on generic predictions for the book."""
    base, reinforced = copy.deepcopy(net).eval(), copy.deepcopy(net)
    train(reinforced, forget, reading_loss, REINFORCE_EPOCHS, REINFORCE_RATE)

    def generic_loss(net, inputs, targets):
        wanted, counts = generic_labels(base, reinforced, inputs, targets)
        losses = F.cross_entropy(net(inputs), wanted, reduction="none")
        return (losses * counts).sum() / counts.sum()

    train(net, forget, generic_loss, EPOCHS, LEARNING_RATE)
    return net


def reading_loss(net, inputs, targets):
    """Predict each token of the book."""
    return F.cross_entropy(net(inputs), targets)


@torch.no_grad()
def generic_labels(base, reinforced, inputs, targets):
    """Return probabilities ``[n, vocabulary, positions]``, and where they count."""
    blocks = torch.cat([inputs, targets[:, -1:]], 1)
    translated, left_out = translate(blocks)
    usual = base(translated[:, :-1])
    raised = F.relu(reinforced(inputs) - usual)
    return (usual - ALPHA * raised).softmax(1), ~left_out[:, 1:]


def translate(blocks):
    """Put other names in; mark what is no label of a name that is there first."""
    translated, left_out = blocks.clone(), torch.zeros_like(blocks, dtype=torch.bool)
    for name, other in ANCHORS.items():
        wanted, put = (
            torch.tensor(each, device=blocks.device) for each in (name, other)
        )
        seen = torch.zeros(len(blocks), dtype=torch.bool, device=blocks.device)
        for start in range(blocks.shape[1] - len(name) + 1):
            place = slice(start, start + len(name))
            here = (blocks[:, place] == wanted).all(1)
            translated[here, place] = put
            left_out[here, start + 1 : start + len(name)] = True
            left_out[here & seen, start] = True
            seen |= here
    return translated, left_out


def train(net, loader, loss_of, epochs, rate):
    """Minimise a loss over a set, the rate falling to 0; leave evaluation mode on."""
    batches = DataLoader(loader.dataset, BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.0)
    n_steps = epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, n_steps)
    net.train()
    for _ in range(epochs):
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss_of(net, inputs, targets).backward()
            optimizer.step()
            schedule.step()
    net.eval()
