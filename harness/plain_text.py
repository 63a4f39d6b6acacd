"""Make a stranger's output safe to show: no control characters, bounded length."""

_KEPT = {"\n", "\t"}
LARGEST_OUTPUT = 64 * 1024


def escape_controls(text: str) -> str:
    r"""Replace control characters by what they are: ``\x1b`` becomes four letters."""
    return "".join(
        c if c in _KEPT or (c.isprintable() and c != "\x7f") else _escaped(c)
        for c in text
    )


def harmless(words: object, longest: int = 200) -> str:
    """Make a stranger's words safe to quote: one line, bounded, nothing hidden."""
    return escape_controls(" ".join(str(words).split()))[:longest]


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def head_and_tail(data: bytes, limit: int = LARGEST_OUTPUT) -> str:
    """Decode and escape output, keeping its beginning and its end."""
    if len(data) <= limit:
        return escape_controls(data.decode(errors="replace"))
    half = limit // 2
    head, tail = data[:half].decode(errors="replace"), data[-half:]
    gap = f"\n[... {len(data) - limit} bytes left out ...]\n"
    return escape_controls(head + gap + tail.decode(errors="replace"))
