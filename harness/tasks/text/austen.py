"""Six novels of Jane Austen, of which one is to be forgotten."""

from pathlib import Path

from harness.errors import UsageError
from harness.storage.files import sha256_of
from harness.storage.shipped import shipped_tracks
from harness.tasks.text.books import Books, decoded, read_folder
from harness.tasks.text.corpus import Corpus, read_corpus
from harness.tasks.text.debian import PACKAGE, read_package
from harness.tasks.text.task import TextTask
from harness.track.schema import Track, require

#: Sums of the texts in UTF-8, each line ended; the package's container may change.
SHA256 = {
    "emma": "7c67b5985c6d0de1efaeb5d342d52cb82c38083c40e2295129e30e87ee690ebe",
    "mansfieldpark": (
        "98bc90519cdf4ef663ad7de2734bb529435ef24f7abbde6bb1a50898871dafe9"
    ),
    "northangerabbey": (
        "51f91bbe0517db8e65cff009b097ce0a1836124c4e0532ac19e6c0cad982abed"
    ),
    "persuasion": "8061549557aebd2fd6e353d18d9197cb707029112bd52d4d8b174583a925848a",
    "prideprejudice": (
        "dfc684d4f857fa938268f9ab9c5567b64bd0691251eca959644adeabe6287a4d"
    ),
    "sensesensibility": (
        "105e1651fe93bed7130078578efd31e0c557d68667ba672ddc876f735b30fe09"
    ),
}
SHIPPED = "austen-quick"
#: Of what is shipped there.
DIGEST = "0714d79d3f124ec7dc1c36ee59b02b890d9b0bb44b2df8056d923a2afaf80655"


class AustenTask(TextTask):
    """The novels as shipped, cut into passages; or read anew from ``--data-dir``."""

    def __init__(self, track: Track, data_dir: Path | None = None) -> None:
        super().__init__(track, data_dir)
        shipped = type(self.options)(forget_book="northangerabbey")
        legal = f"as shipped, {shipped}; dataset = 'text-folder' has other ones"
        require(self.options == shipped, "data.options", self.options, legal)

    def read_corpus(self) -> Corpus:
        """Read the shipped passages, or cut the same ones out of the texts."""
        if self.data_dir is None:
            return read_corpus(shipped_tracks() / SHIPPED, DIGEST)
        corpus = self.corpus_of(read_novels(self.data_dir))
        if corpus.digest != DIGEST:
            raise UsageError(
                f"the texts of {self.data_dir} are the right ones, but the library "
                "tokenizers cuts them otherwise than the version that made this track; "
                "leave --data-dir away, for the passages are shipped."
            )
        return corpus


def read_novels(place: Path) -> Books:
    """Read the six texts: from the Debian package, its data, or a folder of texts."""
    texts = read_package(place)
    if texts is None:
        texts = [text.encode() for text in read_folder(place).values()]
    by_sum = {sha256_of(text): text for text in texts}
    missing = [name for name, digest in SHA256.items() if digest not in by_sum]
    if missing:
        raise UsageError(
            f"{place} lacks {', '.join(missing)}, or has another text of it; give the "
            f"package (apt-get download {PACKAGE}), its folder data, or a folder of "
            "the six texts as .txt files."
        )
    return {name: decoded(by_sum[digest], name) for name, digest in SHA256.items()}
