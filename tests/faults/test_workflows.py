"""What runs strangers' pull requests: pinned, without rights, closed when in doubt."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPT = ROOT / "scripts" / "changed_submissions.py"


def steps_of(text):
    """The steps, as text: each begins with a dash six spaces in."""
    return re.split(r"^      - ", text, flags=re.MULTILINE)[1:]


def programs_of(text):
    """The shell programs, without what GitHub puts into other places."""
    for step in steps_of(text):
        found = re.search(r"(?:^|\n {8})run: (.*(?:\n {10}.*)*)", step)
        if found:
            yield found[1]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_every_action_is_pinned_by_its_commit(path):
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())

    assert used
    for action, comment in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_no_job_has_rights_but_to_publish_or_keeps_credentials(path):
    text, publish = path.read_text(), ""
    if path.stem == "leaderboard":
        # The last job: it publishes pages, checks nothing out and runs no program.
        text, publish = re.split(r"^(?=  publish:\n)", text, flags=re.MULTILINE)
        assert re.findall(r"uses: (.*)@", publish) == ["actions/deploy-pages"]
        assert not list(programs_of(publish))
        assert publish.count("if: github.event_name == 'push'\n") == 1
    assert re.findall(r"permissions:\n((?: +.*\n)+?)(?=\S)", text) == [
        "  contents: read\n"
    ]
    assert "pull_request_target" not in text
    assert "secrets." not in text
    for step in steps_of(text):
        if "actions/checkout@" in step:
            assert "persist-credentials: false" in step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_no_strangers_words_are_part_of_a_program(path):
    for program in programs_of(path.read_text()):
        assert "${{" not in program
        assert "grep -q" not in program


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_the_cache_holds_the_data_alone(path):
    for step in steps_of(path.read_text()):
        if "actions/cache@" in step:
            assert re.findall(r"path: (.*)", step) == [
                "~/.cache/unlearn-eval/cifar10-*"
            ]


def test_what_strangers_print_runs_while_commands_are_stopped():
    for path in WORKFLOWS:
        for program in programs_of(path.read_text()):
            if re.search(r"unlearn-eval (validate|score|leaderboard --re)", program):
                assert program.index("::stop-commands::") < program.index("unlearn-")


def test_full_isolation_is_installed_and_insisted_on():
    text = (ROOT / ".github" / "workflows" / "leaderboard.yml").read_text()

    assert text.count("sudo apt-get install -y --no-install-recommends bubblewrap") == 2
    assert text.count("--isolation full") == 2
    assert "|| true" not in text


def test_a_strangers_rows_are_checked_by_the_harness_they_want_to_get_into():
    text = (ROOT / ".github" / "workflows" / "leaderboard.yml").read_text()
    check = re.split(r"^  score:\n", text, flags=re.MULTILINE)[0]
    another = "github.event.pull_request.head.repo.full_name != github.repository"

    assert f"ref: ${{{{ {another} && github.event.pull_request.base.sha ||" in check
    assert "if: env.STRANGER != ''" in check
    assert '"$kind" $STRANGER < paths > taken.txt' in check
    assert check.index("taken.txt") < check.index("make leaderboard-check")


def changed(*paths, words=("files",)):
    content = b"".join(path.encode() + b"\0" for path in paths)
    command = [sys.executable, str(SCRIPT), *words]
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    return done.returncode, done.stdout.decode().split()


def test_a_submission_with_its_test_and_its_row_is_scored():
    paths = (
        "submissions/mine.py",
        "tests/submissions/test_mine.py",
        "CHANGELOG.md",
        "submissions/leaderboard/cifar10-quick.csv",
        "submissions/leaderboard/cifar10-quick/mine/seed-0/result.json",
    )

    assert changed(*paths) == (0, ["submissions/mine.py"])
    for kind, listed in (("score", "submissions/mine.py"), ("names", "mine")):
        assert changed(*paths, words=(kind, "cifar10-quick")) == (0, [listed])
        assert changed(*paths, words=(kind, "austen-quick")) == (0, [])
    assert changed(*paths, words=("rows",)) == (0, list(paths[3:]))


@pytest.mark.parametrize("track", ["austen-quick", "cifar10-cpu"])
def test_what_lies_in_a_tracks_folder_is_scored_on_that_track(track):
    paths = (
        f"submissions/{track}/mine.py",
        f"submissions/leaderboard/{track}/mine/seed-0/result.json",
    )

    assert changed(*paths) == (0, [paths[0]])
    assert changed(*paths, words=("score", "cifar10-quick")) == (0, [])
    assert changed(*paths, words=("score", track)) == (0, [paths[0]])
    assert changed(*paths, words=("names", track)) == (0, ["mine"])


def test_the_rows_of_every_committed_board_are_run_again():
    text = (ROOT / ".github" / "workflows" / "leaderboard.yml").read_text()
    boards = sorted(
        path.stem for path in (ROOT / "submissions" / "leaderboard").glob("*.csv")
    )

    assert f"track: [{', '.join(boards)}]" in text


def test_a_long_list_leaves_none_out():
    names = [f"submissions/method_{i}.py" for i in range(20_000)]
    others = [f"docs/{'x' * 200}{i}.md" for i in range(5000)]

    assert changed(*others, *names) == (0, names)


@pytest.mark.parametrize(
    "odd",
    [
        "submissions/a b.py",
        "submissions/$(id).py",
        "submissions/-rf.py",
        "submissions/a\nb.py",
        "submissions/deeper/a.py",
        "submissions/a.pyc",
        "submissions/::error::.py",
        "submissions/leaderboard/x/mine/seed-0/other",
        "submissions/leaderboard/x/../../../.github/x.csv",
        "submissions/submission.py",
    ],
)
def test_an_odd_name_fails_rather_than_being_left_out(odd):
    assert changed("submissions/mine.py", odd) == (1, [])


@pytest.mark.parametrize(
    "path",
    [
        "submissions/retrain.py",
        "submissions/leaderboard/allowed_signers",
        "submissions/leaderboard/cifar10-quick/mine/verified.json",
        "submissions/leaderboard/cifar10-quick/mine/verified.json.sig",
    ],
)
def test_what_vouches_is_the_organizers(path):
    assert changed(path, "submissions/mine.py", words=("files", "--stranger")) == (
        1,
        [],
    )
    for kind in ("files", "rows", "names cifar10-quick", "score cifar10-quick"):
        code, listed = changed(path, words=kind.split())
        assert (code, listed) == (0, [])


def test_constraints_cover_what_is_installed_and_what_builds():
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    building = {"hatchling", "editables", "pathspec", "pluggy", "trove-classifiers"}
    transitive = {"jinja2", "sympy", "markdown-it-py", "python-dateutil", "mdurl"}

    assert (building | transitive | {"tqdm", "requests", "matplotlib"}) <= pinned
    makefile = (ROOT / "Makefile").read_text()
    assert "PIP_CONSTRAINT=" in makefile
    assert "PIP_BUILD_CONSTRAINT=" in makefile
