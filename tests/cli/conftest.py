"""Commands on the tiny track."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PLAIN = ("--isolation", "none")


@pytest.fixture
def score(cli, executor, bank, track_file, tmp_path) -> Callable[..., Any]:
    """``score`` on the tiny track, through the session's executor."""

    def call(*args: object) -> Any:
        where = ("--track", track_file, "-o", tmp_path / "runs", "-j", 1)
        return cli("score", *args, *where, *PLAIN)

    return call


@pytest.fixture
def validate(cli, executor, bank, track_file) -> Callable[..., Any]:
    """``validate`` on the tiny track, through the session's executor."""

    def call(*args: object) -> Any:
        return cli("validate", *args, "--track", track_file, *PLAIN)

    return call


@pytest.fixture(scope="session")
def one_object() -> Callable[[str], Any]:
    """Parses exactly one JSON object, as strict as the standard."""

    def parse(text: str) -> Any:
        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is no JSON")

        content = json.loads(text, parse_constant=refuse)
        assert isinstance(content, dict)
        return content

    return parse


@pytest.fixture(scope="session")
def golden() -> Path:
    """Arrays and what the released evaluation code made of them."""
    return Path(__file__).parents[1] / "metrics" / "golden.npz"
