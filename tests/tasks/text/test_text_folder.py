"""Anybody's texts: a folder, a TOML file, and no code."""

import json
import shutil

import numpy as np
import pytest

from harness.errors import UsageError
from harness.run.inputs import RUN_SETS, read_inputs, sets_named, write_inputs

SIZES = {"forget": 10, "retain": 31, "validation": 5, "test": 8}


def test_a_folder_of_texts_makes_a_track(books, folder_task, texts):
    task = folder_task()
    sets = task.sets()

    assert {n: len(e.targets) for n, e in sets._asdict().items()} == SIZES
    words = [task.show(i).text.strip("\ufffd") for i in range(10)]
    forgotten = " ".join(texts["northangerabbey"].split())
    assert all(word in forgotten for word in words)


def test_a_tokenizer_never_saw_the_book_or_what_is_drawn(books, folder_task):
    before = folder_task().corpus.tokenizer
    assert len(json.loads(before)["model"]["vocab"]) == 300
    (books / "northangerabbey.txt").write_text("zyzzyva " * 900)
    path = books / "emma.txt"
    text = path.read_text(encoding="utf-8")
    end = len(text) // 3
    path.write_text(text[:end] + text[end:].upper(), encoding="utf-8")

    assert folder_task().corpus.tokenizer == before
    path.write_text(text[: end // 2].upper() + text[end // 2 :], encoding="utf-8")
    assert folder_task().corpus.tokenizer != before


def test_the_hash_is_of_the_texts_wherever_they_lie(books, folder_task, tmp_path):
    before = folder_task().data_hash
    books.rename(tmp_path / "moved")
    assert folder_task('"books"', '"moved"').data_hash == before

    path = tmp_path / "moved" / "persuasion.txt"
    path.write_text(path.read_text(encoding="utf-8")[:-200] + " A" * 100)
    assert folder_task('"books"', '"moved"').data_hash != before


def test_a_run_needs_the_track_alone_and_not_the_texts(books, folder_task, tmp_path):
    task = folder_task()
    weights = {n: t.numpy() for n, t in task.network(seed=0).state_dict().items()}
    sets = sets_named(task.sets(), RUN_SETS)
    write_inputs(tmp_path / "in", task, "cpu", [weights], sets)
    shutil.rmtree(books)

    inputs = read_inputs(tmp_path / "in")

    assert inputs.task.tensors(inputs.sets["retain"])[0].shape == (31, 8)
    assert inputs.task.network(seed=0).head.out_features == 300


def refused(make) -> str:
    with pytest.raises(UsageError) as caught:
        make().sets()
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_one_book_is_not_enough(books, folder_task):
    (books / "emma.txt").unlink()
    (books / "persuasion.txt").unlink()

    assert "holds 1 .txt files; it needs two or more" in refused(folder_task)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b" \n", "emma.txt is empty; fill it or take it out of the folder."),
        (b"caf\xe9 " * 99, "emma.txt is not UTF-8 text (byte 3); save it as UTF-8."),
        (
            b"Too short.",
            "emma gives 0 passages, and retain, validation and test set take",
        ),
    ],
)
def test_a_book_that_is_of_no_use_is_named(books, folder_task, content, wanted):
    (books / "emma.txt").write_bytes(content)

    assert wanted in refused(folder_task)


def test_a_short_book_to_forget_is_named(books, folder_task, texts):
    short = texts["northangerabbey"][:80]
    (books / "northangerabbey.txt").write_text(short, encoding="utf-8")

    assert "passages to forget, and forget_size under [data] is" in refused(folder_task)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"northangerabbey"', '"emma2"', "the name of a book: emma, northangerabbey"),
        ("= 300", "= 20000", "too short to learn data.options.vocabulary = 20000"),
        ("= 300", "= 256", "data.options.vocabulary = 256 is not legal"),
        ("passage = 9", "passage = 1", "data.options.passage = 1 is not legal"),
        ("passage = 9", "pool = 0", "data.options.pool = 0 is not legal"),
        ('"none"', '"flip"', "it must be 'none' for texts."),
        ('"small-transformer"', '"small-cnn"', "one of small-transformer."),
        ('folder = "books"', "", "does not say where its books lie"),
        ('"books"', '"nowhere"', "there is no folder "),
        ("split_seed", 'forget = "class:0"\nsplit_seed', "the kind of data.forget"),
    ],
)
def test_what_a_track_cannot_have_is_refused(books, folder_task, old, new, wanted):
    assert wanted in refused(lambda: folder_task(old, new))


def test_tokens_out_of_range_are_refused(books, folder_task):
    task = folder_task()
    inputs, targets = task.sets().test

    for wrong in (300, -1):
        spoilt = np.where(inputs == inputs[0, 0], wrong, inputs)
        message = "data.options.vocabulary = 300 they must lie in 0 .. 299"
        with pytest.raises(UsageError, match=message):
            task.tensors(type(task.sets().test)(spoilt, targets))
