"""Make a stranger's output safe to show: no control characters, bounded length."""

import re

_KEPT = {"\n", "\t"}
LARGEST_OUTPUT = 64 * 1024
#: What runners of CI take for commands: ``::error::`` after a space or none, and
#: ``##[error]``, ``##vso[…]`` anywhere in a line.
_COMMAND = re.compile(r"(?<!\S):(?=:[A-Za-z])|#(?=#[A-Za-z]*\[)")
#: A cell, or what another separator makes a cell, that begins so is a formula to a
#: spreadsheet; also in the full-width forms.
_FORMULA = re.compile(
    "((?:^|[;,|:])[\\s\"']*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])|(\\s)(?=[=@\uff1d\uff20])"
)


def escape_controls(text: str) -> str:
    r"""Replace control characters by what they are: ``\x1b`` becomes four letters.

    So is the first letter of what a runner of CI would take for a command.
    """
    shown = "".join(
        c if c in _KEPT or (c.isprintable() and c != "\x7f") else _escaped(c)
        for c in text
    )
    return _COMMAND.sub(lambda found: f"\\x{ord(found[0]):x}", shown)


def harmless(words: object, longest: int = 200) -> str:
    """Make a stranger's words safe to quote: one line, bounded, nothing hidden."""
    # Cut before, that no time is spent on what is cut after.
    return escape_controls(" ".join(str(words)[: 4 * longest].split()))[:longest]


def spreadsheet_text(words: object, longest: int = 300) -> str:
    """Return one line in which no spreadsheet finds a formula, however it parts it."""
    return _FORMULA.sub(r"\1\2'", harmless(words, longest))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def last_states(output: bytes) -> bytes:
    """Keep of each line what a terminal would show last, after carriage returns."""
    if b"\r" not in output:
        return output
    return b"\n".join(_last_state(line) for line in output.split(b"\n"))


def _last_state(line: bytes) -> bytes:
    return next((part for part in reversed(line.split(b"\r")) if part), b"")


def head_and_tail(data: bytes, limit: int = LARGEST_OUTPUT) -> str:
    """Decode and escape output, keeping its beginning and its end.

    Of a progress bar its last state is kept.
    """
    data = last_states(data)
    if len(data) <= limit:
        return escape_controls(data.decode(errors="replace"))
    half = limit // 2
    head, tail = data[:half].decode(errors="replace"), data[-half:]
    gap = f"\n[... {len(data) - limit} bytes left out ...]\n"
    return escape_controls(head + gap + tail.decode(errors="replace"))
