"""What every task of predicting books' next tokens has in common."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.tasks.base import Evaluator, Examples, Indices, Sets, Shown, Task, Trainer
from harness.tasks.text.books import Books, read_folder
from harness.tasks.text.corpus import Corpus, make_corpus
from harness.tasks.text.splits import Chosen, choose
from harness.track.parsing import build_table
from harness.track.schema import Track, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

#: Part of a bank's address: raise it whenever a change in this folder changes a
#: trained model.
ENGINE_VERSION = 1
NETWORKS = ("small-transformer",)
#: All bytes and one more; what two bytes can count.
_FEWEST_TOKENS, _MOST_TOKENS = 257, 65536
_LONGEST_PASSAGE = 1025


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """``[data.options]`` of a track of books.

    `forget_book` is the name of its file without the ending; a passage is so many
    tokens, the first of which is only read; a split draws from the first `pool`
    passages of each book.
    """

    forget_book: str
    passage: int = 33
    vocabulary: int = 512
    pool: int = 2000

    def __post_init__(self) -> None:
        ok = 2 <= self.passage <= _LONGEST_PASSAGE
        legal = f"2 to {_LONGEST_PASSAGE} tokens"
        require(ok, "data.options.passage", self.passage, legal)
        ok = _FEWEST_TOKENS <= self.vocabulary <= _MOST_TOKENS
        legal = f"{_FEWEST_TOKENS} to {_MOST_TOKENS}"
        require(ok, "data.options.vocabulary", self.vocabulary, legal)
        require(self.pool >= 1, "data.options.pool", self.pool, "at least 1")


class TextTask(Task):
    """Books cut into passages, one book to forget; a subclass has the books."""

    kind = "text"

    def __init__(self, track: Track, data_dir: Path | None = None) -> None:
        super().__init__(track, data_dir)
        table = dict(track.data.options)
        self.options = build_table(TextOptions, table, "data.options.")
        name, augmentation = track.network.name, track.recipe.augmentation
        require(name in NETWORKS, "network.name", name, f"one of {', '.join(NETWORKS)}")
        legal = "'none' for texts"
        require(augmentation == "none", "recipe.augmentation", augmentation, legal)

    @abstractmethod
    def read_corpus(self) -> Corpus:
        """Read the passages of all books."""

    @cached_property
    def corpus(self) -> Corpus:
        """The passages of all books."""
        return self.read_corpus()

    def corpus_of(self, books: Books) -> Corpus:
        """Cut books into passages as the track says."""
        return make_corpus(
            books,
            self.options.forget_book,
            vocabulary=self.options.vocabulary,
            length=self.options.passage,
            pool=self.options.pool,
        )

    @property
    def data_hash(self) -> str:
        """Digest of all passages and of the tokenizer."""
        return self.corpus.digest

    @property
    def engine_version(self) -> str:
        """The engine's version."""
        return f"text-{ENGINE_VERSION}"

    @cached_property
    def _chosen(self) -> Chosen:
        return choose(self.corpus, self.track.data, self.options.forget_book)

    def sets(self) -> Sets:
        """Draw the passages of the split."""
        chosen = self._chosen._asdict()
        return Sets(**{name: _examples(chosen[name]) for name in Sets._fields})

    def forget_indices(self) -> Indices:
        """Places of the passages in their book."""
        return self._chosen.forget_places

    def network(self, seed: int | None = None) -> "nn.Module":
        """Build the transformer."""
        import torch  # noqa: PLC0415

        from harness.tasks.text.network import SmallTransformer  # noqa: PLC0415

        sizes = self.options.vocabulary, self.options.passage - 1
        if seed is None:
            return SmallTransformer(*sizes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return SmallTransformer(*sizes)

    def stored(self, examples: Examples) -> "tuple[Tensor, Tensor]":
        """Pass tokens on; `UsageError` for one that is not in the vocabulary."""
        import torch  # noqa: PLC0415

        last = self.options.vocabulary - 1
        for tokens in examples:
            if tokens.min() < 0 or tokens.max() > last:
                raise UsageError(
                    f"tokens run from {tokens.min()} to {tokens.max()}; with data."
                    f"options.vocabulary = {last + 1} they must lie in 0 .. {last}."
                )
        return torch.as_tensor(examples.inputs), torch.as_tensor(examples.targets)

    def trainer(self, examples: Examples, device: "torch.device") -> Trainer:
        """Hold passages ready on the device."""
        from harness.tasks.text.engine import train  # noqa: PLC0415

        inputs, targets = (each.to(device) for each in self.tensors(examples))
        recipe = self.track.recipe
        return lambda seed: train(
            self.network(seed).to(device), recipe, inputs, targets, seed=seed
        )

    def evaluator(
        self, sets: Mapping[str, Examples], device: "torch.device"
    ) -> Evaluator:
        """Hold the three sets on the device."""
        from harness.tasks.text.inference import TextEvaluator  # noqa: PLC0415

        return TextEvaluator({name: self.tensors(sets[name]) for name in sets}, device)

    def show(self, index: int) -> Shown:
        """Show a forgotten passage as text, with its book."""
        place, book = int(self.forget_indices()[index]), self.options.forget_book
        text = self.corpus.text(self.corpus.passages[book][place])
        return Shown(book, text=text)


class TextFolderTask(TextTask):
    """Anybody's texts: a folder, one ``.txt`` file a book."""

    def read_corpus(self) -> Corpus:
        """Read the folder that the track, or ``--data-dir``, names."""
        folder = self.data_dir or self.track.data.folder
        if not folder:
            raise UsageError(
                f"the track {self.track.name} does not say where its books lie; give "
                "the folder with --data-dir, or as folder under [data]."
            )
        return self.corpus_of(read_folder(Path(folder)))


def _examples(tokens: Indices) -> Examples:
    """Predict each token from those before it."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    return Examples(np.ascontiguousarray(inputs), np.ascontiguousarray(targets))
