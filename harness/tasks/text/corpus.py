"""Books cut into passages of tokens: what splits draw from."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from harness.errors import CheckFailed
from harness.storage.files import write_atomic
from harness.tasks.text.books import Books, paragraphs
from harness.tasks.text.tokenizer import encode, token_bytes, train_tokenizer
from harness.track.schema import require

#: Share of each book, its beginning, that the tokenizer alone learns from. Of the book
#: to forget it learns from nothing: a tokenizer that saw it would remember it.
TOKENIZER_SHARE = 0.25
TOKENIZER, PASSAGES = "tokenizer.json", "passages.safetensors"


class Corpus(NamedTuple):
    """Passages ``uint16 [n, length]`` of each book by its name, and their tokenizer."""

    passages: Mapping[str, NDArray[np.uint16]]
    tokenizer: str

    @property
    def digest(self) -> str:
        """Hex digest of what the tokens stand for, the names and the passages."""
        total = hashlib.sha256(repr(token_bytes(self.tokenizer)).encode())
        for name, rows in sorted(self.passages.items()):
            total.update(f"{name} {rows.shape}\n".encode())
            total.update(rows.astype("<u2").tobytes())
        return total.hexdigest()

    def text(self, tokens: NDArray[np.uint16]) -> str:
        """Return tokens as text; a letter that they cut is shown as a mark."""
        words = token_bytes(self.tokenizer)
        return b"".join(words[token] for token in tokens).decode(errors="replace")


def make_corpus(
    books: Books, forget_book: str, *, vocabulary: int, length: int, pool: int
) -> Corpus:
    """Learn the tokenizer, then cut what it did not see into at most `pool` passages.

    The beginning of the book to forget is left out too, as of the others.
    """
    legal = f"the name of a book: {', '.join(books)}"
    require(forget_book in books, "data.options.forget_book", forget_book, legal)
    texts = {name: paragraphs(text) for name, text in books.items()}
    cuts = {name: round(TOKENIZER_SHARE * len(text)) for name, text in texts.items()}
    kept = [name for name in texts if name != forget_book]
    tokenizer = train_tokenizer((texts[n][: cuts[n]] for n in kept), vocabulary)
    rest = {name: encode(tokenizer, text[cuts[name] :]) for name, text in texts.items()}
    passages = {}
    for name, tokens in rest.items():
        n_passages = min(pool, len(tokens) // length)
        rows = tokens[: n_passages * length].reshape(n_passages, length)
        passages[name] = rows.astype(np.uint16)
    return Corpus(passages, tokenizer)


def write_corpus(folder: Path, corpus: Corpus) -> None:
    """Write a corpus into a folder, to be shipped."""
    write_atomic(folder / TOKENIZER, corpus.tokenizer)
    write_atomic(folder / PASSAGES, save(dict(corpus.passages)))


def read_corpus(folder: Path, digest: str) -> Corpus:
    """Read a corpus that is known; `CheckFailed` if it is another, or damaged."""
    try:
        passages = load((folder / PASSAGES).read_bytes())
        corpus = Corpus(passages, (folder / TOKENIZER).read_text(encoding="utf-8"))
        if corpus.digest == digest:
            return corpus
        why = "they are of another track, or were changed"
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        why = str(error)
    raise CheckFailed(
        f"{TOKENIZER} and {PASSAGES} in {folder} are not what this track is made of "
        f"({why}); install the package again."
    )
