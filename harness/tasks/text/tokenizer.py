"""A byte-level BPE tokenizer, learned from text that no model is trained on."""

import json
from collections.abc import Iterable

import numpy as np

from harness.errors import UsageError
from harness.tasks.base import Indices


def train_tokenizer(texts: Iterable[str], size: int) -> str:
    """Learn a tokenizer of so many tokens; returns its JSON."""
    try:
        # Imported late: only who brings texts of his own needs this library.
        from tokenizers import Tokenizer, decoders  # noqa: PLC0415
        from tokenizers.models import BPE  # noqa: PLC0415
        from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415
        from tokenizers.trainers import BpeTrainer  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "to read texts the library tokenizers is needed: "
            'pip install "unlearn-eval[text]".'
        ) from None
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    found = tokenizer.get_vocab_size()
    if found != size:
        raise UsageError(
            f"the texts are too short to learn data.options.vocabulary = {size} tokens "
            f"from, they give {found}; give longer books or a smaller vocabulary."
        )
    return str(tokenizer.to_str())


def encode(tokenizer: str, text: str) -> Indices:
    """Return the tokens of a text."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    return np.array(Tokenizer.from_str(tokenizer).encode(text).ids, dtype=np.int64)


def token_bytes(tokenizer: str) -> tuple[bytes, ...]:
    """Return the bytes that each token stands for, without the library."""
    words: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
    byte_of = {letter: byte for byte, letter in enumerate(_letters())}
    ordered = sorted(words, key=words.__getitem__)
    return tuple(bytes(byte_of[letter] for letter in word) for word in ordered)


def _letters() -> list[str]:
    """Letters that stand for the bytes 0 to 255 in a byte-level vocabulary.

    What can be seen in Latin-1 stands for itself, the others for what comes after.
    """
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in seen else next(others)) for byte in range(256)]
