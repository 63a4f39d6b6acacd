"""What each command prints, where, and how it ends."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import click
import numpy as np
import pytest

from harness import __version__
from harness.cli.doctor import Check
from harness.cli.entry import cli as commands
from harness.cli.progress import ProgressListener
from harness.errors import ExitCode
from harness.sandbox import Level, Sandbox
from harness.scoring.scorer import Scorer
from tests.forking import forked

NO_GPU = SimpleNamespace(gpu="")
NO_OP = "def unlearning(net, retain, forget, validation): pass\n"


def below(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Walk through a command and all that are beneath it, with their words."""
    yield " ".join(words), command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from below(child, *words, name)


ALL = dict(below(commands))


def with_option(option: str) -> set[str]:
    """Commands that have an option."""
    return {
        words
        for words, command in ALL.items()
        if any(option in each.opts for each in command.params)
    }


@pytest.mark.parametrize("words", [words.split() for words in ALL], ids=" ".join)
def test_help_is_there_under_both_names_and_fits_a_terminal(cli, words):
    short, long = cli(*words, "-h"), cli(*words, "--help")

    assert short == long
    assert (short.code, short.err) == (0, "")
    assert short.out.startswith("Usage: unlearn-eval")
    assert max(map(len, short.out.splitlines())) <= 88


def test_all_documented_commands_are_there():
    names = set(commands.commands)

    assert {"score", "validate", "estimate", "init", "reference"} <= names
    assert {"compare", "tracks", "doctor"} <= names


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--track", "score validate reference"),
        ("-n, --n-models", "score"),
        ("-j, --n-jobs", "score"),
        ("--seed", "score validate"),
        ("--device", "score validate"),
        ("-o, --output", "score compare"),
        ("--json", "score validate estimate compare tracks doctor"),
        ("-q, --quiet", "score"),
        ("--no-progress", "score"),
        ("--force", "score init"),
    ],
)
def test_an_option_is_spelled_the_same_everywhere(cli, option, words):
    for word in words.split():
        words_of_it = [word, "verify"] if word == "reference" else [word]
        assert option in cli(*words_of_it, "-h").out


def test_the_version_is_told(cli):
    assert cli("--version").out == f"unlearn-eval, version {__version__}\n"
    assert cli("-V").code == 0


def test_score_prints_a_card_on_stdout_and_progress_on_stderr(score, method):
    ended = score(method)

    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("╭─ tiny · Shake ")
    assert {len(line) for line in lines} == {80}
    assert "method: 4 to do" in ended.err
    assert re.search(r"method: scored \d\.\d{4}, \d\.\d\d of a retraining", ended.err)


def test_score_writes_a_report_and_says_where(score, method, tmp_path):
    ended = score(method, "--html")

    (page,) = tmp_path.glob("runs/tiny/method/*/report.html")
    assert f"Wrote {page}." in ended.err
    assert "Shake scores " in page.read_text()
    assert page.read_text().count("data:image/png") == 16


def test_a_shell_can_complete_commands(cli, monkeypatch):
    monkeypatch.setenv("_UNLEARN_EVAL_COMPLETE", "bash_source")

    ended = cli()

    assert ended.code == 0
    assert "_UNLEARN_EVAL_COMPLETE=bash_complete" in ended.out


def test_score_again_says_that_nothing_was_done(score, method):
    score(method)
    ended = score(method)

    assert "(stored result)" in ended.err
    assert "to do" not in ended.err


def test_score_as_json_is_one_object_with_the_documented_keys(
    score, method, one_object
):
    ended = score(method, "--json")

    assert ended.code == 0
    (result,) = one_object(ended.out)["results"]
    assert (result["submission"], result["status"]) == ("method", "scored")
    assert result["reason"] == ""
    for key in ("score", "forgetting_quality", "retain_accuracy", "test_accuracy"):
        assert isinstance(result[key]["value"], float)
    assert {"ratio", "cap"} <= set(result["efficiency"])
    assert result["efficiency"]["cap"] == 1.0


def test_stored_and_fresh_results_are_the_same_json(score, method):
    assert score(method, "--json").out == score(method, "--json").out


def test_quiet_says_nothing_but_the_card(score, method):
    ended = score(method, "-q")

    assert ended.err == ""
    assert ended.out.startswith("╭─")


def test_several_submissions_are_shown_best_first(score, write):
    write("def unlearning(net): pass\n", "c_wrong.py")
    write(NO_OP, "a_nothing.py")
    folder = write("def unlearning(*a): raise OSError\n", "b_error.py").parent

    ended = score(folder)

    titles = re.findall(r"╭─ tiny · (\w+)", ended.out)
    assert titles[0] == "a_nothing"
    assert set(titles[1:]) == {"b_error", "c_wrong"}
    assert ended.code == ExitCode.NOT_SCORED


def test_more_metrics_are_shown_where_asked(score, method):
    plain, verbose = score(method), score(method, "-v")

    assert len(verbose.out) > len(plain.out)
    assert "retraining" in verbose.out


@pytest.mark.parametrize(("limit", "code"), [("0", 0), ("5", 4)])
def test_a_score_can_be_asked_for(score, method, limit, code):
    assert score(method, "--fail-under", limit).code == code


def test_nothing_on_any_stream_is_meant_for_a_terminal_alone(
    score, validate, cli, method, track_file
):
    """Off a terminal: no carriage return, no colour, no bar."""
    endings = [
        score(method),
        validate(method),
        cli("reference", "build", "--track", track_file),
        cli("reference", "info", "--track", track_file),
        cli("tracks"),
        cli("score", "gone.py"),
    ]

    for ended in endings:
        assert not set(ended.out + ended.err) & set("\r\x1b\x07\x08")


def test_validate_says_what_a_run_costs(validate, method):
    ended = validate(method)

    assert ended.code == 0
    assert ended.out.startswith("method: valid\n")
    assert re.search(r"note: a run costs \d+\.\d\d s\.", ended.out)
    assert "method: 2 runs on tiny" in ended.err


def test_validate_as_json_is_one_object(validate, method, write, one_object):
    ended = validate(method, write("x = 1\n", "wrong.py"), "--json")

    assert (ended.code, ended.err) == (3, "")
    first, second = one_object(ended.out)["validations"]
    assert (first["name"], first["valid"]) == ("method", True)
    assert (second["name"], second["valid"]) == ("wrong", False)
    assert "defines no function unlearning" in second["problems"][0]


def test_the_command_that_a_failed_result_names_repeats_just_that_run(
    score, cli, executor, write, one_object
):
    source = "def unlearning(a, b, c, d, seed):\n    if seed % 8: raise OSError(seed)\n"
    path = write(source, "moody.py")
    (result,) = one_object(score(path, "--json").out)["results"]
    assert result["status"] == "error"
    seed = re.search(r"seed (\d+)", result["reason"])[1]
    executor.started.clear()

    words = result["repeat"].split()
    assert words.pop(0) == "unlearn-eval"
    ended = cli(*words, "--isolation", "none")

    assert ended.code == 3
    assert executor.started == [0]
    assert f"it raised OSError: {seed}." in ended.out


def test_tracks_lists_every_track_with_its_bank(cli, one_object):
    plain, as_json = cli("tracks"), cli("tracks", "--json")

    assert (plain.code, as_json.code) == (0, 0)
    rows = {row["name"]: row for row in one_object(as_json.out)["tracks"]}
    others = {f"cifar10-quick-{of}" for of in ("class", "low", "middle", "high")}
    whole = {"cifar10", "cifar10-cpu", "cifar10-cpu-hard", "cifar10-fast"}
    assert set(rows) == {"austen-quick", "cifar10-quick", *whole, *others}
    assert rows["cifar10-quick"]["bank"] == "128 retrained models"
    assert "reference build --track cifar10)" in rows["cifar10"]["bank"]
    for name in rows:
        assert name in plain.out


def test_reference_info_describes_the_bank(cli, bank, track_file, one_object):
    where = ("--track", track_file)
    plain = cli("reference", "info", *where)
    content = one_object(cli("reference", "info", *where, "--json").out)

    assert plain.code == 0
    assert f"bank {bank.key} of tiny" in plain.out
    assert "8 retrained models" in plain.out
    assert content["n_models"] == 8
    assert set(content["accuracies"]) == {"retain", "forget", "test"}


def test_reference_verify_ends_with_its_verdict(cli, bank, track_file, one_object):
    where = ("--track", track_file, "-n", 1)
    ended = cli("reference", "verify", *where, "--json")

    content = one_object(ended.out)
    assert ended.code == 0
    assert content["ok"]
    assert content["same_bits"] == 2


def test_reference_build_copies_the_bank_where_asked(cli, bank, track_file, tmp_path):
    copy = tmp_path / "deep" / "copy"
    ended = cli("reference", "build", "--track", track_file, "-o", copy)

    assert ended.code == 0
    assert "8 retrained models" in ended.out
    for path in bank.folder.iterdir():
        assert (copy / path.name).read_bytes() == path.read_bytes()


def test_reference_build_into_a_file_is_the_users_mistake(
    cli, bank, track_file, tmp_path
):
    (tmp_path / "taken").write_text("")
    where = ("--track", track_file, "-o", tmp_path / "taken")

    ended = cli("reference", "build", *where)

    assert ended.code == 2
    assert "cannot write" in ended.err


def test_results_of_ones_own_track_can_be_compared(
    score, cli, method, track_file, one_object
):
    nothing = method.with_name("nothing.py")
    nothing.write_text(NO_OP)
    score(method)
    score(nothing)
    where = ("--track", track_file, "-o", method.parent / "runs")

    ended = cli("compare", "method", "nothing", *where, "--json")

    assert ended.code == 0
    content = one_object(ended.out)
    assert content["first_submission"] == "method"
    assert content["verdict"]
    assert cli("compare", "nothing", "method", *where).code == 0


def test_results_can_be_compared_by_their_folders(score, cli, method, tmp_path):
    score(method)
    score(method, "--seed", 1)
    folders = (tmp_path / "runs" / "tiny" / "method").iterdir()

    ended = cli("compare", *folders)

    assert ended.code == 0
    assert "p = " in ended.out


@pytest.mark.parametrize("names", [("methd", "method"), ("method", "gone")])
def test_a_result_that_is_not_there_is_told(score, cli, method, tmp_path, names):
    score(method)

    ended = cli("compare", *names, "--track", "cifar10-quick", "-o", tmp_path / "runs")

    assert ended.code == 2
    assert "there is no complete result of" in ended.err


@pytest.mark.usefixtures("executor", "bank")
def test_environment_variables_stand_for_options(
    cli, method, track_file, monkeypatch, one_object
):
    elsewhere = method.parent / "elsewhere"
    values = {
        "TRACK": track_file,
        "N_MODELS": 3,
        "N_JOBS": 1,
        "SEED": 5,
        "OUTPUT": elsewhere,
        "ISOLATION": "none",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"UNLEARN_EVAL_SCORE_{name}", str(value))

    (result,) = one_object(cli("score", method, "--json").out)["results"]

    assert result["n_models"] == 3
    assert result["provenance"]["seed"] == 5
    assert (elsewhere / "tiny" / "method").is_dir()


def test_an_option_outweighs_its_environment_variable(
    score, method, monkeypatch, one_object
):
    monkeypatch.setenv("UNLEARN_EVAL_SCORE_N_MODELS", "3")

    (result,) = one_object(score(method, "-n", 2, "--json").out)["results"]

    assert result["n_models"] == 2


@pytest.mark.usefixtures("bank")
def test_a_private_split_can_be_asked_for_everywhere(cli, track_file, method):
    arguments = {
        "score": [method, "-o", method.parent / "runs"],
        "validate": [method],
        "reference verify": [],
        "reference info": [],
    }
    # One builds the bank, and the other has results to look for before.
    others = {"reference build", "leaderboard"}
    assert with_option("--split-seed") == {*arguments, *others}

    for words, rest in arguments.items():
        ended = cli(*words.split(), *rest, "--track", track_file, "--split-seed", 77)

        assert ended.code == 2, words
        assert "is not built; build it with: unlearn-eval reference build" in ended.err
        assert f"--track {track_file} --split-seed 77" in ended.err, words


def test_a_device_means_the_same_everywhere(
    cli, executor, bank, *, variant, method, monkeypatch, one_object
):
    """A track that is meant for a GPU is built, verified, and scored without one."""
    monkeypatch.setattr("harness.cli.options.this_machine", lambda: NO_GPU)
    where = ("--track", variant(device='"cuda"'), "--device", "cpu")
    arguments = {
        "score": [method, "-o", method.parent / "runs", "--isolation", "none"],
        "validate": [method, "--isolation", "none"],
        "reference build": [],
        "reference verify": ["-n", 1],
    }
    assert with_option("--device") == set(arguments)

    for words, rest in arguments.items():
        ended = cli(*words.split(), *rest, *where)
        assert (words, ended.code) == (words, 0), ended.err

    (result,) = one_object(cli("score", *arguments["score"], *where, "--json").out)[
        "results"
    ]
    assert result["provenance"]["device"] == "cpu"


def test_a_device_that_was_chosen_is_named_in_the_commands_that_are_told(
    cli, write, variant, executor, *, own_cache, monkeypatch, bank, one_object
):
    monkeypatch.setattr("harness.cli.options.this_machine", lambda: NO_GPU)
    path, track = write("def unlearning(*a): raise OSError\n"), variant(device='"cuda"')
    where = ("--track", track, "--device", "cpu", "-o", path.parent / "runs")
    scoring = ("score", path, *where, "--isolation", "none", "--json")

    ended = cli(*scoring)
    assert ended.code == 2
    assert f"reference build --track {track} --device cpu." in ended.err

    monkeypatch.setattr("harness.scoring.scorer.find_bank", lambda *_, **__: bank)
    (result,) = one_object(cli(*scoring).out)["results"]
    told = f"validate {path} --track {track} --device cpu --isolation none --seed "
    assert told in result["repeat"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["reference", "build", "--track", "cifar10-fast"],
            "the track cifar10-fast needs a CUDA GPU and this machine shows none; "
            "choose --track cifar10-quick, or --device cpu, on which the same takes "
            "many times as long.",
        ),
        (
            ["reference", "verify", "--device", "cuda"],
            "--device cuda needs a CUDA GPU and this machine shows none; "
            "choose --device cpu, on which the same takes many times as long.",
        ),
    ],
)
def test_a_gpu_that_is_not_here_is_told_with_what_does_without(
    cli, monkeypatch, words, error
):
    monkeypatch.setattr("harness.cli.options.this_machine", lambda: NO_GPU)

    assert cli(*words) == (2, "", f"Error: {error}\n")


def test_a_reader_that_has_had_enough_is_no_failure(cache):
    """As in ``unlearn-eval tracks | true``."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, *forked.COMMAND, "tracks"]

    with forked.Popen(command, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        _, err = process.communicate()

    assert (process.returncode, err) == (0, b"")


def test_a_failure_of_ours_keeps_its_traceback(cli, monkeypatch):
    def broken(*args):
        raise RuntimeError("a bug")

    monkeypatch.setattr("harness.cli.tracks.track_names", broken)

    with pytest.raises(RuntimeError, match="a bug"):
        cli("tracks")


def test_json_of_every_command_is_one_object_free_of_nan(
    cli, executor, settings, write, *, track_file, tmp_path, one_object, monkeypatch
):
    """Where every run is the same there is no spread to divide by."""
    # It imports torch in another process, with tests of its own.
    monkeypatch.setattr("harness.cli.doctor._torch", lambda: Check("torch", True, ""))
    path, other = write(NO_OP, "nothing.py"), write(NO_OP + "\n", "naught.py")
    official = settings(secret=bytes(32))
    silent = ProgressListener(quiet=True, bars=False)
    # It says that it keeps runs fully apart, as a ranking demands; a test need not.
    with Scorer(official, silent, Sandbox(Level.FULL)) as scorer:
        scorer.score_all([path, other])
    arrays, same = tmp_path / "arrays.npz", np.ones((8, 5))
    np.savez(arrays, unlearned=same, retrained=same)
    track = ("--track", track_file)
    output = (*track, "-o", tmp_path / "runs")
    arguments = {
        "score": [path, *track, "-o", tmp_path / "fresh", "--isolation", "none"],
        "validate": [path, *track, "--isolation", "none"],
        "compare": ["nothing", "naught", *output],
        "show": ["nothing", *output],
        "leaderboard": [*output, "--board", tmp_path / "board"],
        "estimate": [arrays],
        "tracks": [],
        "doctor": [],
        "reference info": track,
        "reference verify": [*track, "-n", 1],
    }
    assert with_option("--json") == set(arguments)

    for words, rest in arguments.items():
        ended = cli(*words.split(), *rest, "--json")
        assert (words, ended.code) == (words, 0), ended.err
        one_object(ended.out)
    stored = [*tmp_path.rglob("result.json")]
    assert len(stored) == 3
    for result in stored:
        one_object(result.read_text())
