"""``unlearn-eval init``: a commented submission that scores as it stands."""

import re
from importlib.resources import files
from pathlib import Path

import click

from harness.errors import ExitCode, UsageError
from harness.storage.files import write_atomic


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(name: Path, force: bool) -> int:
    """Write a submission template to NAME.py."""
    path = name if name.suffix == ".py" else name.with_name(f"{name.name}.py")
    if not path.stem.isidentifier() or path.stem.startswith("_"):
        raise UsageError(
            f"a submission cannot be called {path.stem!r}, for tests import it by its "
            "name: use letters, digits and underscores, a letter first"
            f"{_suggestion(path.stem)}."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; choose another name, or --force.")
    template = files("harness.cli").joinpath("template.txt").read_text("utf-8")
    write_atomic(path, template.replace("{{name}}", path.stem))
    click.echo(f"Wrote {path}. Next: unlearn-eval validate {path}")
    return ExitCode.OK


def _suggestion(stem: str) -> str:
    """Return the nearest name that can be, if there is one."""
    name = re.sub(r"\W+", "_", stem).strip("_").lstrip("0123456789_")
    return f", as in {name}" if name.isidentifier() else ""
