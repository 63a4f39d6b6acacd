"""Cut the passages of austen-quick out of the novels, as they are shipped.

    apt-get download r-cran-janeaustenr
    python -m scripts.austen_passages . reference_models/austen-quick

The first folder holds the package, its data, or the six texts. The library tokenizers
is needed: pip install "unlearn-eval[text]".
"""

import argparse
from pathlib import Path

from harness.tasks.registry import find_task
from harness.tasks.text.austen import DIGEST, read_novels
from harness.tasks.text.corpus import write_corpus
from harness.tasks.text.task import TextTask
from harness.track import find_track


def main() -> None:
    """Write both files, and say whether they are those that are known."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    task = find_task(find_track("austen-quick"))
    assert isinstance(task, TextTask)
    corpus = task.corpus_of(read_novels(options.texts))
    write_corpus(options.folder, corpus)
    same = "as shipped" if corpus.digest == DIGEST else "NOT as shipped"
    print(f"{corpus.digest}: {same}")


if __name__ == "__main__":
    main()
