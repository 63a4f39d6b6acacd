"""``unlearn-eval``: the commands, and how they end."""

import signal
import sys
from typing import Any, NoReturn

import click

from harness import __version__
from harness.cli.bundle import bundle
from harness.cli.compare import compare
from harness.cli.doctor import doctor
from harness.cli.estimate import estimate
from harness.cli.init import init
from harness.cli.leaderboard import leaderboard
from harness.cli.reference import reference
from harness.cli.report import report
from harness.cli.score import score
from harness.cli.show import show
from harness.cli.site import site
from harness.cli.tracks import tracks
from harness.cli.validate import validate
from harness.errors import ExitCode, UnlearnEvalError
from harness.plain_text import escape_controls

_LONGEST = 40_000
SETTINGS = {
    "help_option_names": ["-h", "--help"],
    "auto_envvar_prefix": "UNLEARN_EVAL",
    "max_content_width": 88,
}


@click.group(context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", prog_name="unlearn-eval")
def cli() -> None:
    """Score machine-unlearning functions as the NeurIPS'23 competition did.

    Start with: unlearn-eval score submission.py
    """


_FOR_METHODS = (score, leaderboard, compare, estimate, validate, init)
_FOR_READERS = (show, report, site)
for _command in (*_FOR_METHODS, *_FOR_READERS, reference, tracks, bundle, doctor):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and end the process with the documented exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run())


def run(args: list[str] | None = None) -> int:
    """Run the command line; return the exit code.

    A user's mistake is one sentence on stderr. A failure of ours keeps its traceback.
    """
    try:
        code = cli.main(args, prog_name="unlearn-eval", standalone_mode=False)
        return int(code or ExitCode.OK)
    except UnlearnEvalError as error:
        # File names and arrays' names are strangers' words too.
        words = escape_controls(str(error)[:_LONGEST])
        click.echo(f"Error: {words}", err=True)
        return int(error.exit_code)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.ClickException as error:
        error.show()
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort) as error:
        click.echo(f"Interrupted. {_how_to_go_on(error)}", err=True)
        return int(ExitCode.INTERRUPTED)
    except SystemExit:
        # click's way to end when whoever read our output has had enough of it.
        return int(ExitCode.OK)


def _how_to_go_on(error: BaseException) -> str:
    """Take what the command had to say of it; click wraps its interrupt."""
    cause = error.__cause__ or error
    if isinstance(cause, KeyboardInterrupt) and cause.args:
        return str(cause.args[0])
    return "Run the same command again; it begins anew."


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
