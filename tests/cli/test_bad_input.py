"""Every mistake is one sentence that says what to do, and the right exit code."""

import shutil
from types import SimpleNamespace

import pytest

from harness.cli import options
from harness.errors import UsageError
from harness.reference.location import built_folder

NO_OP = "def unlearning(net, retain, forget, validation): pass\n"


def only_error(ended) -> str:
    """The one line on stderr, if nothing else was said."""
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("Error: ")
    return lines[0].removeprefix("Error: ")


def test_no_such_file(cli, tmp_path):
    ended = cli("score", tmp_path / "gone.py")

    assert ended.code == 2
    assert only_error(ended) == (
        f"there is no file {tmp_path / 'gone.py'}; give a submission's .py file."
    )


def test_a_folder_without_submissions(cli, tmp_path):
    ended = cli("score", tmp_path)

    assert ended.code == 2
    assert only_error(ended) == (
        f"the folder {tmp_path} holds no submission; write one with: "
        f"unlearn-eval init {tmp_path / 'my_method'}."
    )


def test_an_unknown_track_with_the_nearest(cli, write):
    ended = cli("score", write(NO_OP), "--track", "cifar10-qick")

    assert ended.code == 2
    assert only_error(ended) == (
        "there is no track 'cifar10-qick': did you mean 'cifar10-quick'? Tracks: "
        "austen-quick, cifar10, cifar10-cpu, cifar10-cpu-hard, cifar10-fast, "
        "cifar10-quick, cifar10-quick-class, cifar10-quick-high, cifar10-quick-low, "
        "cifar10-quick-middle, or the path of a .toml."
    )


def test_a_track_with_an_unknown_key(cli, write, variant):
    path = variant()
    path.write_text(path.read_text().replace("momentum", "momentun"))
    ended = cli("score", write(NO_OP), "--track", path)

    assert ended.code == 2
    assert only_error(ended) == (
        f"{path}: unknown key 'recipe.momentun': did you mean 'momentum'?"
    )


def test_a_track_with_an_ill_typed_key(cli, write, variant):
    path = variant(epochs='"many"')
    ended = cli("score", write(NO_OP), "--track", path)

    assert ended.code == 2
    assert only_error(ended) == (
        f"{path}: recipe.epochs = 'many' must be a whole number."
    )


@pytest.mark.parametrize("n", [1, 0, -3])
def test_too_few_models(cli, write, track_file, n):
    ended = cli("score", write(NO_OP), "--track", track_file, "-n", n)

    assert ended.code == 2
    assert only_error(ended).startswith(
        f"--n-models {n} is too few: epsilon compares distributions, so at least 2"
    )


@pytest.mark.parametrize("j", [0, -1])
def test_too_few_jobs(cli, write, track_file, j):
    ended = cli("score", write(NO_OP), "--track", track_file, "-j", j)

    assert ended.code == 2
    assert only_error(ended).startswith(f"--n-jobs {j} is too few: at least 1; this ")


def test_no_bank(cli, write, track_file, own_cache, tmp_path):
    where = ("--track", track_file, "-o", tmp_path / "runs")
    ended = cli("score", write(NO_OP), *where)

    assert ended.code == 2
    assert only_error(ended) == (
        "the reference bank of tiny is not built; build it with: "
        f"unlearn-eval reference build --track {track_file}."
    )


def test_a_gpu_track_without_a_gpu(cli, write, monkeypatch):
    no_gpu = SimpleNamespace(gpu="")
    monkeypatch.setattr("harness.cli.options.this_machine", lambda: no_gpu)

    ended = cli("score", write(NO_OP), "--track", "cifar10-fast")

    assert ended.code == 2
    assert "needs a CUDA GPU" in only_error(ended)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_an_output_folder_that_cannot_be_written(cli, bank, write, track_file, below):
    """A file in its place: permissions do not stop everybody."""
    path = write(NO_OP)
    where = ("--track", track_file, "-o", path / below)
    ended = cli("score", path, *where, "--isolation", "none")

    assert ended.code == 2
    assert only_error(ended).startswith(f"cannot write {path}")
    assert "--output" in ended.err


@pytest.mark.parametrize(
    "command", [["score", "method.py"], ["reference", "verify"], ["reference", "info"]]
)
@pytest.mark.parametrize("name", ["bank.safetensors", "manifest.json"])
def test_a_corrupt_bank_fails_a_check(cli, own_bank, track_file, name, command):
    path = own_bank / name
    path.write_bytes(path.read_bytes()[:-20])

    ended = cli(*command, "--track", track_file)

    assert ended.code == 4
    assert f"the reference bank in {own_bank} is damaged" in only_error(ended)
    assert "remove manifest.json, bank.safetensors and original" in ended.err


@pytest.fixture
def own_bank(bank, task, own_cache, method, monkeypatch):
    """A copy of the tiny bank, and a submission in the working directory."""
    monkeypatch.chdir(method.parent)
    folder = built_folder(task)
    shutil.copytree(bank.folder, folder)
    return folder


def test_an_option_that_is_none_says_how_to_get_help(cli):
    ended = cli("score", "x.py", "--trak", "y")

    assert ended.code == 2
    assert ended.out == ""
    assert "No such option" in ended.err
    assert "--track" in ended.err
    assert "-h" in ended.err


def test_a_command_that_is_none(cli):
    ended = cli("scor")

    assert ended.code == 2
    assert "No such command 'scor'" in ended.err


def test_a_value_that_is_no_number(cli):
    ended = cli("score", "x.py", "-n", "many")

    assert ended.code == 2
    assert "'many' is not a valid integer" in ended.err


def test_no_arguments_at_all(cli):
    for command in ("score", "validate", "estimate", "init", "compare"):
        ended = cli(command)
        assert ended.code == 2
        assert "Missing argument" in ended.err


def test_a_bank_of_one_model_is_refused(cli, track_file):
    ended = cli("reference", "build", "--track", track_file, "-n", 1)

    assert ended.code == 2
    assert only_error(ended) == "--n-models 1 is too few: a bank has at least 2."


def test_a_negative_seed_is_refused(cli, track_file, bank):
    ended = cli("reference", "verify", "--track", track_file, "--seed", "-1")

    assert ended.code == 2
    assert "--seed" in ended.err


BROKEN = {
    "a syntax error": ("def unlearning(:\n", "invalid", "line 1: syntax error"),
    "no unlearning": ("x = 1\n", "invalid", "defines no function unlearning"),
    "wrong parameters": (
        "def unlearning(net, data): pass\n",
        "invalid",
        "takes 2 arguments; it is called with four",
    ),
    "an exception": (
        "def unlearning(*a): raise ValueError('no')\n",
        "error",
        "it raised ValueError: no.",
    ),
    "another network": (
        "import torch\ndef unlearning(*a): return torch.nn.Linear(2, 3)\n",
        "invalid",
        "unlearning returned another network",
    ),
    "wrong shapes": (
        "import torch\ndef unlearning(net, *a): net.fc = torch.nn.Linear(64, 5)\n",
        "invalid",
        "unlearning returned wrong shapes: fc.bias is [5], not [10].",
    ),
    "NaN": (
        "def unlearning(net, *a): net.fc.bias.data.fill_(float('nan'))\n",
        "non-finite",
        "it returned weights that are not finite, first in fc.bias.",
    ),
    "a number": (
        "def unlearning(*a): return 3\n",
        "invalid",
        "unlearning returned int; it must return the network",
    ),
    "its own end": (
        "import os\ndef unlearning(*a): os._exit(0)\n",
        "error",
        "its process ended (exit code 0) without returning weights.",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_submission_that_cannot_be_scored(score, write, one_object, kind):
    source, status, reason = BROKEN[kind]

    ended = score(write(source), "--json")

    assert ended.code == 3
    (result,) = one_object(ended.out)["results"]
    assert result["status"] == status
    assert reason in result["reason"]
    assert "\n" not in result["reason"]
    assert result["score"] is None


@pytest.mark.parametrize("kind", ["a syntax error", "an exception", "NaN"])
def test_the_same_told_to_people(score, validate, write, kind):
    source, status, reason = BROKEN[kind]
    path = write(source)

    scored, tried = score(path), validate(path)

    assert (scored.code, tried.code) == (3, 3)
    words = " ".join(scored.out.replace("│", " ").split())
    assert f"{status}: " in words
    assert reason.split(":")[0] in words
    assert reason in tried.out
    assert "method: not valid" in tried.out


def test_one_that_fails_does_not_keep_others_from_their_score(score, write, one_object):
    write("def unlearning(net): pass\n", "a_wrong.py")
    write(NO_OP, "b_right.py")
    ended = score(write(NO_OP).parent, "--json")

    assert ended.code == 3
    statuses = {r["submission"]: r["status"] for r in one_object(ended.out)["results"]}
    assert statuses == {"a_wrong": "invalid", "b_right": "scored", "method": "scored"}


def test_a_reference_that_fails_is_not_passed_over(score, write, monkeypatch):
    failing = write("REFERENCE = True\ndef unlearning(*a): return 3\n")
    monkeypatch.setattr("harness.run.submission.REFERENCES", ("method",))
    folder = failing.parent
    monkeypatch.setattr("harness.run.submission.shipped_submissions", lambda: folder)

    assert score(failing).code == 3


def test_a_full_disk_is_our_failure_and_says_what_to_do(score, write, monkeypatch):
    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.storage.files.os.fsync", refuse)
    ended = score(write(NO_OP))

    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("Error: the disk is full, so ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", 3], "--official needs the track's own N, --n-models 4, not 3."),
        (["--isolation", "none"], "--official needs --isolation full, not none."),
    ],
)
def test_an_official_score_is_not_had_for_less(cli, write, track_file, words, message):
    ended = cli("score", write(NO_OP), "--track", track_file, "--official", *words)

    assert ended.code == 2
    assert only_error(ended) == message


def test_an_official_score_needs_all_originals(cli, write):
    ended = cli("score", write(NO_OP), "--official", "--originals", 1)

    assert ended.code == 2
    assert only_error(ended) == (
        "--official needs the track's own original models, --originals 4, not 1."
    )


def test_a_number_that_nobody_can_wait_for_is_refused(cli):
    ended = cli("reference", "build", "-n", 1_000_000_000)

    assert ended.code == 2
    assert "1000000000 is not in the range x<=100000" in ended.err


def test_more_jobs_than_fit_into_memory_are_cut_and_it_is_said(monkeypatch, capsys):
    monkeypatch.setattr(options, "available_cores", lambda: 2)
    monkeypatch.setattr(options, "available_memory_bytes", lambda: 3_000_000_000)
    assert options.chosen_jobs(1000) == 4
    assert "4 are used" in capsys.readouterr().err
    assert options.chosen_jobs(1000, 2) == 2
    assert options.chosen_jobs(3, 64) == 3
    assert options.chosen_jobs(None, 1) == 2


def test_on_gpus_there_is_one_run_at_a_time_on_each(monkeypatch, capsys):
    monkeypatch.setattr("harness.machine._gpu_facts", lambda: (("G", "1"),) * 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert options.chosen_jobs(None, 64, "cuda") == 2
    assert options.chosen_jobs(None, 64, "cuda:1") == 1
    assert capsys.readouterr().err == ""
    assert options.chosen_jobs(4, 64, "cuda:1") == 1
    assert "the clock is the cost" in capsys.readouterr().err


def test_a_gpu_that_is_not_among_those_here(monkeypatch):
    monkeypatch.setattr("harness.machine._gpu_facts", lambda: (("G", "1"),))
    monkeypatch.setattr(
        "harness.cli.options.this_machine", lambda: SimpleNamespace(gpu="1 x G")
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert options.chosen_track("cifar10-quick", None, "cuda:0").device == "cuda:0"
    with pytest.raises(UsageError, match=r"cuda:1 is not here: .* may use 1 GPUs"):
        options.chosen_track("cifar10-quick", None, "cuda:1")
    with pytest.raises(UsageError, match="'cuda' or 'cuda:' and a number"):
        options.chosen_track("cifar10-quick", None, "gpu")
