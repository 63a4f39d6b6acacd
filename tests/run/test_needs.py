"""Of a notebook exactly those statements are taken that a function needs."""

import pytest

from harness.run.needs import needed_for, statements_of
from harness.run.notebooks import python_of


def needed(*cells: str) -> tuple[list[str], tuple[str, ...]]:
    """The texts of the statements that ``unlearning`` needs, and what is missing."""
    statements = [s for n, cell in enumerate(cells) for s in statements_of(n, cell)]
    found = needed_for("unlearning", statements, ("BATCHES",))
    assert found is not None
    return [each.text for each in found.statements], found.missing


def test_what_it_refers_to_comes_along_and_nothing_of_the_rest():
    cells = (
        "import torch, requests\nfrom torch import nn\nprint('hello')",
        "DEVICE = 'cpu'\nif DEVICE != 'cuda':\n    raise RuntimeError('no GPU')",
        "train_set = requests.get('https://example.org')\nnet = train(train_set)",
        "def helper(x):\n    return x.to(DEVICE)",
        "def unlearning(net, a, b, c):\n    optimizer = nn.Dropout()\n    helper(net)",
        "optimizer = boom()\nnet = unlearning(net, 1, 2, 3)",
    )

    assert needed(*cells) == (
        [
            "from torch import nn",
            "DEVICE = 'cpu'",
            "def helper(x):\n    return x.to(DEVICE)",
            cells[4],
        ],
        (),
    )


F = "def unlearning(net, a, b, c):\n    return x"


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["x = 1", F, "x = 2"], ["x = 1", F]),  # as it was when it was called
        ([F, "x = 2"], [F, "x = 2"]),  # defined below, as notebooks do
        (["x = 1\nx = x + 1", F], ["x = 1", "x = x + 1", F]),
        (["x = 1", "x += 1", F], ["x = 1", "x += 1", F]),
        (["x = 0\nif y:\n    x = 1", F], ["x = 0", "if y:\n    x = 1", F]),
        (["x = {}\nx['lr'] = 3\nz = 1", F], ["x = {}", "x['lr'] = 3", F]),
        (["x = []; x.append(2)", F, "x.append(3)"], ["x = []", "x.append(2)", F]),
        (["import x\nx.seed(0)", F], ["import x", F]),
        (["y = 2\nx = [y for _ in 'ab']", F], ["y = 2", "x = [y for _ in 'ab']", F]),
        (["y = 2\nx = [y for y in 'ab']", F], ["x = [y for y in 'ab']", F]),
        (["def x(): return z", F, "z = 1"], ["def x(): return z", F, "z = 1"]),
        (["d = 1\n@d\ndef x(): pass", F], ["d = 1", "@d\ndef x(): pass", F]),
        (["k = 1\nclass x:\n  y = k", F], ["k = 1", "class x:\n  y = k", F]),
        (
            ["BATCHES = 'dict'\nNAME = 1; x = 'ä'", F],
            ["BATCHES = 'dict'", "x = 'ä'", F],
        ),
        (["def unlearning(): pass", "x = 1", F], ["x = 1", F]),  # the last one counts
        (
            ["x = 1\ny = 2", "unlearning = lambda *a: x"],
            ["x = 1", "unlearning = lambda *a: x"],
        ),
        (["from somewhere import *", F], ["from somewhere import *", F]),
        # What tries the function out binds names that it reads, and is no part of it.
        (["x = 1", F, "for x in range(9):\n    unlearning(x)"], ["x = 1", F]),
        ([F, "x = unlearning(1, 2, 3, 4)"], [F]),
        (
            ["x = 1", F, "unlearning = x(unlearning)"],
            ["x = 1", F, "unlearning = x(unlearning)"],
        ),
    ],
)
def test_a_name_stands_for_what_it_would_in_the_notebook(cells, wanted):
    assert needed(*cells)[0] == wanted


def test_names_that_nothing_defines_are_told():
    assert needed(F)[1] == ("x",)
    assert needed("for x in 'ab': pass", F)[1] == ()
    assert needed(F.replace("x", "len"))[1] == ()


def test_without_the_function_there_is_nothing_to_need():
    assert needed_for("unlearning", list(statements_of(1, "x = 1"))) is None


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("%%time\nx = 1", "\nx = 1"),
        ("%%bash\nrm -rf /", ""),
        ("!pip install a \\\n  b\nx = 1", "pass\n\nx = 1"),
        ("if y:\n    %matplotlib inline\nx?\nx = !ls", "if y:\n    pass\npass\npass"),
        ("x = (3\n% 2)", "x = (3\n% 2)"),
        ('x = """\n%matplotlib\n"""', 'x = """\n%matplotlib\n"""'),
    ],
)
def test_lines_of_ipython_are_left_out(cell, wanted):
    assert python_of(cell) == wanted


def test_a_flood_of_statements_takes_no_flood_of_time():
    """Each of 4,000 depends on the one before."""
    cell = "x = 0\n" + "x = x + 1\nif x: x = 2\n" * 2_000

    assert len(needed(cell, F)[0]) == 4_002
