"""``estimate``: the metric on anyone's arrays."""

import random

import numpy as np
import pytest

KEYS = {"epsilon", "forgetting_quality", "n_models", "n_examples", "undetermined"}
CASES = ["gauss_16", "real_32", "real_64", "ties_64", "separated_32", "identical_32"]


@pytest.fixture
def arrays(tmp_path):
    """Writes arrays to a file and returns its path."""

    def write(**arrays):
        np.savez(tmp_path / "arrays.npz", **arrays)
        return tmp_path / "arrays.npz"

    return write


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return {
        "unlearned": rng.normal(size=(8, 5)),
        "retrained": rng.normal(size=(8, 5)),
    }


@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_released_code(cli, arrays, golden, one_object, case):
    with np.load(golden) as content:
        given = {k: content[f"{case}/{k}"] for k in ("unlearned", "retrained")}
        epsilon, score = content[f"{case}/epsilon"], content[f"{case}/forget_score"]

    ended = cli("estimate", arrays(**given), "--official-only", "--json")

    assert ended.code == 0
    assert ended.err == ""
    found = one_object(ended.out)
    assert set(found) >= KEYS
    assert np.abs(np.array(found["epsilon"]) - epsilon).max() <= 5e-6
    assert abs(found["forgetting_quality"]["value"] - score) <= 1e-9
    assert (found["n_models"], found["n_examples"]) == given["unlearned"].shape


def test_everything_is_one_object_too(cli, arrays, pair, one_object):
    ended = cli("estimate", arrays(**pair), "--json")

    found = one_object(ended.out)
    assert ended.code == 0
    assert KEYS | {"metrics", "flags"} <= set(found)


def test_people_are_told_f_epsilon_and_n(cli, arrays, pair):
    ended = cli("estimate", arrays(**pair), "--official-only")

    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("forgetting quality F  0.")
    assert "unlearned models N    8" in lines
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("shape", [(2, 1), (3, 2), (4, 7)])
def test_small_arrays_are_estimated_or_say_what_they_need(cli, arrays, shape):
    rng = np.random.default_rng(1)
    path = arrays(unlearned=rng.normal(size=shape), retrained=rng.normal(size=shape))

    ended = cli("estimate", path)

    assert ended.code == 0
    assert "nan" not in ended.out.lower()


def test_logits_with_targets_are_taken_as_well(cli, arrays, one_object):
    rng = np.random.default_rng(2)
    logits = {k: rng.normal(size=(6, 4, 10)) for k in ("unlearned", "retrained")}
    path = arrays(**logits, targets=np.array([0, 3, 9, 9]))

    found = one_object(cli("estimate", path, "--json", "--official-only").out)

    assert (found["n_models"], found["n_examples"]) == (6, 4)


def test_single_precision_logits_are_those_of_a_score(cli, arrays, one_object):
    """Logits give the confidences that a task makes of them."""
    from harness.models.confidence import logit_scaled_confidence  # noqa: PLC0415

    rng = np.random.default_rng(0)
    logits = rng.normal(size=(8, 50, 10)).astype(np.float32) * 3
    targets = rng.integers(0, 10, 50)
    confidences = logit_scaled_confidence(logits, targets)
    words = ("--json", "--official-only")
    from_logits = cli(
        "estimate",
        arrays(unlearned=logits[:4], retrained=logits[4:], targets=targets),
        *words,
    )
    path = arrays(unlearned=confidences[:4], retrained=confidences[4:])
    from_confidences = cli("estimate", path, *words)

    assert one_object(from_logits.out) == one_object(from_confidences.out)


def error(ended) -> str:
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    return line


def test_a_missing_file(cli, tmp_path):
    ended = cli("estimate", tmp_path / "gone.npz")

    assert error(ended) == (
        f"Error: there is no file {tmp_path / 'gone.npz'}; give an .npz file of arrays."
    )


def test_wrong_keys(cli, arrays):
    path = arrays(forget=np.zeros((2, 2)), unlearned=np.zeros((2, 2)))

    assert error(cli("estimate", path)).startswith(
        f"Error: {path} lacks retrained: it holds forget, unlearned; give unlearned and"
    )


BAD = {
    "different numbers of examples": (
        {"unlearned": np.zeros((4, 5)), "retrained": np.zeros((4, 6))},
        "cover 5 examples and the retrained ones 6",
    ),
    "one model": (
        {"unlearned": np.zeros((1, 5)), "retrained": np.zeros((4, 5))},
        "unlearned has 1 models and 5 examples; at least 2 models",
    ),
    "no example": (
        {"unlearned": np.zeros((4, 0)), "retrained": np.zeros((4, 0))},
        "at least 2 models and 1 example",
    ),
    "NaN": (
        {"unlearned": np.full((4, 5), np.nan), "retrained": np.zeros((4, 5))},
        "unlearned holds 20 NaN or infinite values",
    ),
    "infinity": (
        {"unlearned": np.zeros((4, 5)), "retrained": np.full((4, 5), np.inf)},
        "retrained holds 20 NaN or infinite values",
    ),
    "words": (
        {"unlearned": np.array([["a"]]), "retrained": np.zeros((4, 5))},
        "where numbers are needed",
    ),
    "one dimension": (
        {"unlearned": np.zeros(4), "retrained": np.zeros(4)},
        "unlearned has shape (4,)",
    ),
    "logits without targets": (
        {"unlearned": np.zeros((2, 3, 4)), "retrained": np.zeros((2, 3, 4))},
        "holds logits but no targets",
    ),
    "targets out of range": (
        {
            "unlearned": np.zeros((2, 3, 4)),
            "retrained": np.zeros((2, 3, 4)),
            "targets": np.array([0, 1, 4]),
        },
        "targets run from 0 to 4; with 4 classes they must lie in 0 .. 3",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_arrays_that_do_not_fit_are_refused_in_one_line(cli, arrays, kind):
    given, words = BAD[kind]

    assert words in error(cli("estimate", arrays(**given)))


class Trap:
    """Unpickling this would be noticed."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def test_pickled_objects_are_never_read(cli, arrays):
    trap = np.array([[Trap()] * 2] * 2, dtype=object)
    path = arrays(unlearned=trap, retrained=np.zeros((2, 2)))

    assert error(cli("estimate", path)) == (
        f"Error: {path} holds pickled objects, which are never read; "
        "save plain numbers."
    )


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04", b"\x80\x04N."])
def test_a_file_that_is_no_archive(cli, tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)

    assert "Error: " in error(cli("estimate", tmp_path / "x.npz"))


def test_a_single_array_is_no_archive(cli, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))

    assert "is one array" in error(cli("estimate", tmp_path / "x.npy"))


def test_a_folder_is_no_archive(cli, tmp_path):
    assert "there is no file" in error(cli("estimate", tmp_path))


@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_archive_is_refused_or_read_but_never_crashes(
    cli, pair, tmp_path, compressed
):
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "whole.npz", **pair)
    whole, dice = (tmp_path / "whole.npz").read_bytes(), random.Random(0)
    path = tmp_path / "damaged.npz"
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged[: dice.choice([len(damaged), dice.randrange(999)])])

        ended = cli("estimate", path, "--official-only", "--json")

        assert ended.code in (0, 2)
        assert ended.code == 0 or len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("delta", ["-0.1", "1", "x"])
def test_a_delta_out_of_range_is_refused(cli, arrays, pair, delta):
    ended = cli("estimate", arrays(**pair), "--delta", delta)

    assert ended.code == 2
    assert "--delta" in ended.err


def test_the_file_is_left_as_it_is(cli, arrays, pair):
    path = arrays(**pair)
    before = path.read_bytes()
    cli("estimate", path)

    assert path.read_bytes() == before


def held_out(**changes):
    """Logits of forget and held-out examples, with their labels."""
    rng = np.random.default_rng(4)
    arrays = {k: rng.normal(size=(8, 5, 3)) for k in ("unlearned", "retrained")}
    arrays |= {f"{k}_test": 2 * rng.normal(size=(8, 30, 3)) for k in arrays}
    labels = {"targets": np.arange(5) % 3, "test_targets": np.arange(30) % 3}
    return {**arrays, **labels, **changes}


@pytest.mark.parametrize("options", [(), ("--official-only",)])
def test_logits_of_a_held_out_set_give_calibrated_f_too(
    cli, arrays, one_object, options
):
    given = held_out()
    factors = np.exp(np.linspace(-1, 1, 8))[:, None, None]
    noisy = {k: factors * given[k] for k in ("unlearned", "unlearned_test")}

    def found(**content):
        return one_object(cli("estimate", arrays(**content), "--json", *options).out)

    before, after = found(**given), found(**{**given, **noisy})
    calibrated = before["calibrated_forgetting_quality"]["value"]
    assert after["calibrated_forgetting_quality"]["value"] == calibrated
    assert after["epsilon"] != before["epsilon"]
    assert ("diagnosis" in before) == (not options)


def test_people_are_told_calibrated_f_and_what_to_work_on(cli, arrays, pair):
    lines = cli("estimate", arrays(**held_out())).out
    assert "calibrated F          0." in lines
    assert "calibrated F would be" in lines
    plain = cli("estimate", arrays(**pair)).out
    assert "calibrated" not in plain
    assert "F would be" in plain


@pytest.mark.parametrize(
    "changes",
    [
        {"test_targets": None},
        {"unlearned_test": np.zeros((7, 30, 3))},
        {"retrained_test": np.zeros((8, 30, 4))},
        {"unlearned_test": np.zeros((8, 30))},
        {"unlearned": np.zeros((8, 5)), "retrained": np.zeros((8, 5))},
    ],
)
def test_a_held_out_set_that_does_not_fit_is_refused(cli, arrays, changes):
    given = {k: a for k, a in held_out(**changes).items() if a is not None}

    ended = cli("estimate", arrays(**given))

    assert ended.code == 2
    assert "_test" in ended.err
