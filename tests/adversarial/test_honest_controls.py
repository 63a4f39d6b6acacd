"""Not an attack: what honest submissions do must work, and come back scored."""

import pytest

SOURCES = {
    "uses DataLoader workers": """
from torch.utils.data import DataLoader

def unlearning(net, retain, forget, validation):
    loader = DataLoader(retain.dataset, batch_size=8, num_workers=2)
    print(sum(len(x) for x, y in loader))
    return net
""",
    "uses workers that persist": """
from torch.utils.data import DataLoader

def unlearning(net, retain, forget, validation):
    loader = DataLoader(
        retain.dataset, batch_size=8, num_workers=1, persistent_workers=True
    )
    print(sum(len(x) for _ in range(2) for x, y in loader) // 2)
    return net
""",
    "has its own threads": """
import threading
from concurrent.futures import ThreadPoolExecutor

def unlearning(net, retain, forget, validation):
    with ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(len, (x for x, y in retain))))
    return net
""",
    "has torch use threads": """
import torch

def unlearning(net, retain, forget, validation):
    torch.set_num_threads(2)
    x = torch.randn(300, 300)
    print(40 if (x @ x).shape == (300, 300) else 0)
    return net
""",
    "prints much": """
import sys

def unlearning(net, retain, forget, validation):
    for i in range(20_000):
        print("a line of progress", i, file=sys.stderr)
    print(40)
    return net
""",
    "imports scipy": """
def unlearning(net, retain, forget, validation):
    from scipy.optimize import minimize_scalar
    print(round(minimize_scalar(lambda x: (x - 40) ** 2).x))
    return net
""",
    "imports torchvision": """
def unlearning(net, retain, forget, validation):
    from torchvision.transforms import RandomCrop
    print(sum(RandomCrop(28)(x).shape[0] for x, y in retain))
    return net
""",
    "uses a pool of processes": """
import multiprocessing

def half(x):
    return x // 2

def unlearning(net, retain, forget, validation):
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(half, [40, 40])))
    return net
""",
    "writes temporary files": """
import tempfile, torch

def unlearning(net, retain, forget, validation):
    with tempfile.TemporaryDirectory() as folder:
        torch.save(net.state_dict(), folder + "/net.pt")
        net.load_state_dict(torch.load(folder + "/net.pt"))
    print(40)
    return net
""",
    "starts a program": """
import subprocess

def unlearning(net, retain, forget, validation):
    answer = subprocess.run(["/bin/echo", "40"], capture_output=True, text=True)
    print(answer.stdout.strip())
    return net
""",
    "asks for the time and the machine": """
import os, platform, time

def unlearning(net, retain, forget, validation):
    time.sleep(0.01)
    print(40 if os.cpu_count() and platform.machine() and os.uname() else 0)
    return net
""",
}
TRAINS = """
import torch

def unlearning(net, retain, forget, validation):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    net.train()
    for inputs, targets in retain:
        torch.nn.functional.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
        optimizer.zero_grad()
    return net
"""


@pytest.mark.parametrize("what", SOURCES)
def test_an_honest_submission_scores_that(lab, what):
    report = lab.call(SOURCES[what])
    assert report.failure is None, report.failure
    assert report.output.rstrip().endswith("40")
    assert report.weights == lab.spec.pack(lab.original)


def test_training_gives_the_same_bits_in_and_out_of_a_sandbox(lab, unconfined):
    inside, outside = (one.call(TRAINS).weights for one in (lab, unconfined))
    assert inside == outside != lab.spec.pack(lab.original)
