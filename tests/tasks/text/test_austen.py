"""The shipped passages: which they are, and how a split draws from them."""

import io
import shutil
import struct
import tarfile
import zlib
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import CheckFailed, UsageError
from harness.storage.shipped import shipped_tracks
from harness.tasks.registry import find_task
from harness.tasks.text.austen import DIGEST, SHA256, read_novels
from harness.tasks.text.corpus import Corpus, read_corpus
from harness.tasks.text.debian import read_package
from harness.tasks.text.splits import choose
from harness.track import find_track

SIZES = {"forget": 250, "retain": 1400, "validation": 300, "test": 600}


def rows(examples):
    """Whole passages, as bytes."""
    whole = np.column_stack([examples.inputs, examples.targets[:, -1]])
    return [row.astype(np.uint16).tobytes() for row in whole]


def runs(examples, length=12):
    whole = np.column_stack([examples.inputs, examples.targets[:, -1]])
    return {tuple(r[i : i + length]) for r in whole for i in range(34 - length)}


def test_nothing_is_downloaded_and_every_book_is_there(austen):
    assert austen.data_hash == DIGEST
    assert sorted(austen.corpus.passages) == sorted(SHA256)
    assert {array.shape for array in austen.corpus.passages.values()} == {(2000, 33)}


def test_a_target_is_the_token_that_follows(austen):
    sets = austen.sets()

    assert {n: len(e.targets) for n, e in sets._asdict().items()} == SIZES
    for examples in sets:
        assert np.array_equal(examples.inputs[:, 1:], examples.targets[:, :-1])
        assert examples.inputs.shape[1] == 32


def test_one_book_is_forgotten_and_the_others_are_kept_in_equal_parts(austen):
    of = {
        row.tobytes(): book
        for book, passages in austen.corpus.passages.items()
        for row in passages
    }
    sets = austen.sets()

    assert {of[row] for row in rows(sets.forget)} == {"northangerabbey"}
    for name in ("retain", "validation", "test"):
        found = [of[row] for row in rows(getattr(sets, name))]
        share = SIZES[name] // 5
        counts = {book: found.count(book) for book in set(found)}
        assert counts == {book: share for book in SHA256 if book != "northangerabbey"}


def test_no_passage_is_in_two_sets(austen):
    every = [row for examples in austen.sets() for row in rows(examples)]

    assert len(set(every)) == sum(SIZES.values())


@pytest.mark.parametrize("split_seed", [2023, 7])
def test_no_forget_passage_is_nearly_a_retain_passage(split_seed):
    sets = find_task(find_track("austen-quick", split_seed=split_seed)).sets()

    assert not runs(sets.forget) & runs(sets.retain)


def test_a_near_duplicate_is_not_drawn(austen):
    """Twelve tokens of a retain passage are put into every forget passage but 300."""
    spec, book = austen.track.data, "northangerabbey"
    kept = choose(austen.corpus, spec, book).retain[0]
    spoilt = austen.corpus.passages[book].copy()
    spoilt[300:, 5:17] = kept[20:32]
    passages = {**austen.corpus.passages, book: spoilt}

    chosen = choose(Corpus(passages, austen.corpus.tokenizer), spec, book)

    assert chosen.forget_places.max() < 300
    with pytest.raises(
        UsageError, match=r"northangerabbey gives .* passages to forget"
    ):
        choose(Corpus(passages, ""), replace(spec, forget_size=301), book)


def test_another_seed_forgets_other_passages(austen):
    other = find_task(find_track("austen-quick", split_seed=7))

    shared = np.intersect1d(other.forget_indices(), austen.forget_indices())
    assert len(shared) < 60
    assert austen.forget_labels().shape == (250,)


def test_a_forgotten_passage_is_shown_as_text(austen):
    shown = austen.show(3)

    assert austen.forget_indices()[3] == 69
    assert shown.caption == "northangerabbey"
    assert shown.text == "pe, and, as she believed, so narrowly escape John Thorpe,"
    assert shown.png == b""


@pytest.mark.parametrize("name", ["tokenizer.json", "passages.safetensors"])
def test_files_of_another_track_are_refused(tmp_path, name):
    for file in ("tokenizer.json", "passages.safetensors"):
        shutil.copy(shipped_tracks() / "austen-quick" / file, tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(b"\x01\x00", b"\x02\x00", 1))
    if name == "tokenizer.json":
        path.write_text(path.read_text().replace('"he":', '"eh":'))

    with pytest.raises(CheckFailed, match="install the package again"):
        read_corpus(tmp_path, DIGEST)


def r_block(lines):
    """What R writes of a vector of lines in its format 3."""
    head = b"X\n" + struct.pack(">III", 3, 0x40201, 0x30500)
    body = head + struct.pack(">I", 5) + b"UTF-8" + struct.pack(">II", 16, len(lines))
    for line in lines:
        body += struct.pack(">II", 0x40009, len(line)) + line
    return struct.pack(">I", len(body)) + zlib.compress(body)


def package(data):
    """A Debian package whose data hold one file of R's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        entry = tarfile.TarInfo("./usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    content = b"!<arch>\n"
    for name, part in (("debian-binary", b"2.0"), ("data.tar.xz", buffer.getvalue())):
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n"
        content += head.encode() + part + b"\n" * (len(part) % 2)
    return content


def test_texts_are_read_out_of_the_debian_package(tmp_path):
    data = r_block([b"EMMA", b"", b"by"]) + r_block([b"Persuasion"])
    (tmp_path / "r-cran-janeaustenr_1.0.0-1_all.deb").write_bytes(package(data))
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "Rdata.rdb").write_bytes(data)

    for place in (tmp_path, tmp_path / "installed"):
        assert read_package(place) == [b"EMMA\n\nby\n", b"Persuasion\n"]


@pytest.mark.parametrize("cut", [9, 75, 300])
def test_a_package_that_is_cut_is_refused_in_a_sentence(tmp_path, cut):
    path = tmp_path / "novels.deb"
    path.write_bytes(package(r_block([b"EMMA"] * 9))[:cut])

    with pytest.raises(UsageError, match=r"apt-get download r-cran-janeaustenr, or"):
        read_package(path)


def test_texts_with_other_sums_are_refused_by_name(tmp_path):
    data = r_block([b"EMMA"])
    (tmp_path / "Rdata.rdb").write_bytes(data)

    with pytest.raises(UsageError) as caught:
        read_novels(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path} lacks emma, mansfieldpark, ")
