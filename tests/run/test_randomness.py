"""A run follows from its seed alone, and leaves nothing for the next."""

import pytest

TRAINING = """
import torch.nn.functional as F

def unlearning(net, retain, forget, validation):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    net.train()
    for inputs, targets in retain:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(F.dropout(inputs, 0.1)), targets)
        loss.backward()
        optimizer.step()
    return net
"""
IMPORTS = "import torch"


@pytest.fixture
def train(call):
    return lambda seed: call(IMPORTS + TRAINING, seed=seed).weights


def test_the_same_seed_gives_the_same_bits(train):
    assert train(7) == train(7)


def test_another_seed_gives_other_weights(train):
    assert train(7) != train(8)


def test_every_usual_generator_is_seeded(call_body):
    body = (
        "import random, numpy\n"
        "print(random.random(), numpy.random.random(), torch.rand(1).item())\n"
        "print([y[0].item() for _, y in retain][:9], hash('text'))"
    )

    first, again, other = (call_body(body, seed=s).output for s in (1, 1, 2))

    assert first == again
    for one, another in zip(first.split()[:3], other.split()[:3], strict=True):
        assert one != another


def test_seeds_of_any_size_are_fine(call_body):
    for seed in (0, 2**32, 2**63 - 1):
        assert call_body("return net", seed=seed).failure is None


def test_a_run_finds_nothing_that_another_left_in_memory(call_body):
    leave = (
        "torch.left_behind = 1\n"
        "sys.modules['left_behind'] = sys\n"
        "retain.dataset.inputs.zero_()\n"
        "net.fc.weight.data.zero_()\n"
        "torch.manual_seed(99)\n"
        "os.environ['LEFT'] = '1'"
    )
    look = (
        "print(hasattr(torch, 'left_behind'), 'left_behind' in sys.modules)\n"
        "print(bool(retain.dataset.inputs.any()), bool(net.fc.weight.any()))\n"
        "print(torch.rand(1).item(), os.environ.get('LEFT'))"
    )
    before = call_body(look).output
    call_body(leave)

    assert call_body(look).output == before
    assert before.split()[:4] == ["False", "False", "True", "True"]


def test_the_environment_of_a_run_holds_nothing_of_the_users(call_body, monkeypatch):
    """The template was started before; its environment is a short list."""
    names = set(call_body("print(' '.join(os.environ))").output.split())

    assert "PYTEST_CURRENT_TEST" not in names
    assert not [name for name in names if name.startswith("UNLEARN_EVAL")]
