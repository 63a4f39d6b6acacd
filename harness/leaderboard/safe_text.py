"""Make strangers' words safe in a spreadsheet and in Markdown."""

import re

from harness.plain_text import escape_controls

_LONGEST = 300
#: A cell that begins so is a formula to a spreadsheet; also in their full-width forms.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$#!{}])")


def plain_text(words: str) -> str:
    """Return one line without control characters, of bounded length."""
    return escape_controls(" ".join(words.split()))[:_LONGEST]


def spreadsheet_text(words: str) -> str:
    """Return one line that no spreadsheet takes for a formula."""
    line = plain_text(words)
    return f"'{line}" if line.startswith(tuple(_FORMULA)) else line


def markdown_text(words: str) -> str:
    """Return one line that stands in a Markdown table as the very same letters.

    No markup, HTML, cell border or link comes of it, nor one that GitHub would make of
    a bare address.
    """
    escaped = _MARKDOWN.sub(r"\\\1", plain_text(words))
    return escaped.replace("://", "\\://").replace("www.", "www\\.")
