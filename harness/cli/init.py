"""``unlearn-eval init``: a commented submission that scores as it stands."""

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
            f"{path.stem!r} is no good name for a submission: use letters, digits and "
            "underscores, and no underscore first."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; choose another name, or --force.")
    template = files("harness.cli").joinpath("template.txt").read_text("utf-8")
    write_atomic(path, template.replace("{{name}}", path.stem))
    click.echo(f"Wrote {path}. Next: unlearn-eval validate {path}")
    return ExitCode.OK
