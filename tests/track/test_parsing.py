"""Tracks from TOML: what is legal, and the sentence for what is not."""

import pytest

from harness.errors import UsageError
from harness.track.parsing import parse_track


@pytest.fixture
def text(track_file) -> str:
    return track_file.read_text()


def refused(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_track(text, "my.toml")
    return str(caught.value)


def test_a_legal_track_keeps_every_value(text):
    track = parse_track(text, "my.toml")

    assert (track.name, track.device) == ("tiny", "cpu")
    assert (track.data.train_size, track.data.forget_size) == (400, 50)
    assert track.retain_size == 350
    assert track.recipe.weight_decay == 5e-4
    assert track.evaluation.cap == 1.0


def test_a_whole_number_is_a_number(text):
    track = parse_track(text.replace("cap = 1.0", "cap = 1"), "my.toml")

    assert type(track.evaluation.cap) is float


def test_an_unknown_key_is_refused_with_the_nearest_legal_one(text):
    message = refused(text.replace("epochs = 2", "epochs = 2\nmomentun = 0.9"))

    assert message == (
        "my.toml: unknown key 'recipe.momentun': did you mean 'momentum'?"
    )


def test_an_unknown_key_like_no_other_is_refused_with_all_legal_ones(text):
    message = refused("colour = 1\n" + text)

    assert message.startswith("my.toml: unknown key 'colour': legal keys: name, ")


def test_an_unknown_table_is_refused(text):
    assert "unknown key 'modle'" in refused(text + "[modle]\nx = 1\n")


def test_all_missing_keys_of_a_table_are_named(text):
    message = refused(text.replace("epochs = 2\nbatch_size = 32\n", ""))

    assert message == "my.toml: missing key recipe.epochs, recipe.batch_size."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 2", 'epochs = "2"', "recipe.epochs = '2' must be a whole number."),
        ("epochs = 2", "epochs = 2.0", "recipe.epochs = 2.0 must be a whole number."),
        ("epochs = 2", "epochs = true", "recipe.epochs = True must be a whole number."),
        ("cap = 1.0", 'cap = "1"', "evaluation.cap = '1' must be a number."),
        ('name = "tiny"', "name = 3", "name = 3 must be text."),
    ],
)
def test_an_ill_typed_value_is_refused(text, old, new, message):
    assert refused(text.replace(old, new)) == f"my.toml: {message}"


def test_a_value_where_a_table_belongs_is_refused(text):
    without = text.replace('[network]\nname = "small-cnn"\n', "")

    message = refused("network = 3\n" + without)

    assert message == "my.toml: network must be a table, [network]."


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("forget_size = 50", "forget_size = 0", "data.forget_size"),
        ("forget_size = 50", "forget_size = 400", "data.forget_size"),
        ("train_size = 400", "train_size = 50", "data.forget_size"),
        ("test_size = 200", "test_size = 0", "data.test_size"),
        ("split_seed = 1", "retain_sample = 351\nsplit_seed = 1", "data.retain_sample"),
        ("validation_size = 100", "validation_size = 0", "data.validation_size"),
        ("split_seed = 1", "split_seed = -1", "data.split_seed"),
        ("epochs = 2", "epochs = 0", "recipe.epochs"),
        ("batch_size = 32", "batch_size = 1", "recipe.batch_size"),
        ("batch_size = 32", "batch_size = 351", "recipe.batch_size"),
        ("learning_rate = 0.1", "learning_rate = 0", "recipe.learning_rate"),
        ("learning_rate = 0.1", "learning_rate = nan", "recipe.learning_rate"),
        ("warmup_fraction = 0.2", "warmup_fraction = 1", "recipe.warmup_fraction"),
        ("momentum = 0.9", "momentum = 1", "recipe.momentum"),
        ("weight_decay = 5e-4", "weight_decay = -1", "recipe.weight_decay"),
        ("epochs = 2", 'epochs = 2\noptimizer = "lion"', "recipe.optimizer"),
        ("epochs = 2", "epochs = 2\nlabel_smoothing = 1", "recipe.label_smoothing"),
        ('"small-cnn"', '""', "network.name"),
        ('"flip"', '"mixup"', "recipe.augmentation"),
        ("n_models = 4", "n_models = 1", "evaluation.n_models"),
        ("bank_size = 8", "bank_size = 3", "evaluation.bank_size"),
        ("cap = 1.0", "cap = 0", "evaluation.cap"),
        ("cap = 1.0", "cap = inf", "evaluation.cap"),
        ("delta = 1e-5", "delta = 1", "evaluation.delta"),
        ('device = "cpu"', 'device = "tpu"', "device"),
        ('name = "tiny"', 'name = "../x"', "name"),
        ('name = "tiny"', 'name = ".."', "name"),
        ('name = "tiny"', 'name = ""', "name"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_with_what_is_legal(
    text, old, new, field
):
    message = refused(text.replace(old, new, 1))

    assert message.startswith(f"my.toml: {field} = ")
    assert " is not legal: it must be " in message
    assert "\n" not in message


def with_forget(text: str, forget: str, size: int = 50) -> str:
    return text.replace("forget_size = 50", f"forget_size = {size}\nforget = {forget}")


def test_examples_are_forgotten_at_random_if_nothing_else_is_said(text):
    track = parse_track(text, "my.toml")

    assert (track.data.forget, track.data.forget_kind) == ("random", "random")
    named = parse_track(with_forget(text, '"random"'), "my.toml")
    assert (named, named.hash) == (track, track.hash)


def test_a_class_may_be_forgotten(text):
    track = parse_track(with_forget(text, '"class:3"'), "my.toml")

    assert (track.data.forget_kind, track.data.forget_class) == ("class", 3)
    other = parse_track(with_forget(text, '"class:4"'), "my.toml")
    assert len({track.hash, other.hash, parse_track(text, "my.toml").hash}) == 3


def test_listed_examples_are_the_same_in_every_order_and_in_a_file(text, tmp_path):
    lines = "# mine\n70\n\n7  # a ship\n12\n"
    (tmp_path / "places.txt").write_text(lines)

    inline = parse_track(with_forget(text, "[12, 70, 7]", 3), "my.toml")
    filed = parse_track(with_forget(text, '"file:places.txt"', 3), "my.toml", tmp_path)

    assert inline.data.forget == (7, 12, 70)
    assert inline.data.forget_kind == "list"
    assert (filed, filed.hash) == (inline, inline.hash)
    (tmp_path / "places.txt").write_text(lines.replace("70", "71"))
    edited = parse_track(with_forget(text, '"file:places.txt"', 3), "my.toml", tmp_path)
    assert edited.hash != filed.hash


LEGAL = "it must be 'random', 'class:' and a number, 'file:' and a path, or a list."


@pytest.mark.parametrize(
    ("forget", "size", "message"),
    [
        *(
            (f'"{odd}"', 50, f"data.forget = '{odd}' is not legal: {LEGAL}")
            for odd in ("", "Random", "class", "class:", "class:-1", "class:03")
        ),
        ('"random:3"', 50, f"data.forget = 'random:3' is not legal: {LEGAL}"),
        ("3", 50, "data.forget must be text or a list of whole numbers."),
        ("[1, true]", 2, "data.forget must be text or a list of whole numbers."),
        ('["1"]', 1, "data.forget must be text or a list of whole numbers."),
        ("[]", 50, "data.forget = [] is not legal: it must be at least one place."),
        ("[5, 5]", 2, "data.forget lists 5 twice; list each place once."),
        (
            *("[-1, 5]", 2),
            "a place in data.forget = -1 is not legal: it must be 0 or more.",
        ),
        (
            *("[1, 5]", 50),
            "data.forget_size = 50 is not legal: it must be 2, as many as "
            "data.forget lists.",
        ),
    ],
)
def test_a_forget_set_that_is_none_is_refused(text, forget, size, message):
    assert refused(with_forget(text, forget, size)) == f"my.toml: {message}"


@pytest.mark.parametrize("line", ["-1", "1.5", "0x1", "1 2", "1_0", "²", "9" * 10])
def test_a_line_of_a_file_that_is_no_place_is_named(text, tmp_path, line):
    (tmp_path / "places.txt").write_text(f"7\n{line}\n", encoding="utf-8")

    with pytest.raises(UsageError) as caught:
        parse_track(with_forget(text, '"file:places.txt"', 2), "my.toml", tmp_path)

    assert str(caught.value) == (
        f"my.toml: places.txt, line 2: {line!r} is no place of a training example; "
        "write one whole number, 0 or more, a line."
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(text, tmp_path, content):
    if content is not None:
        (tmp_path / "places.txt").write_bytes(content)

    with pytest.raises(UsageError, match=r"cannot read the forget set places\.txt: "):
        parse_track(with_forget(text, '"file:places.txt"', 2), "my.toml", tmp_path)


@pytest.mark.parametrize("name", ["", ".", "a\\u0000b"])
def test_an_odd_name_of_a_file_is_refused(text, tmp_path, name):
    with pytest.raises(UsageError, match="cannot read the forget set"):
        parse_track(with_forget(text, f'"file:{name}"', 2), "my.toml", tmp_path)


@pytest.mark.parametrize("broken", ["name = ", "[data", "a = 1\na = 2", "\x00"])
def test_text_that_is_no_toml_is_refused(broken):
    assert refused(broken).startswith("my.toml is not valid TOML: ")


def test_a_number_too_large_to_be_one_is_refused(text):
    huge = "9" * 400

    message = refused(text.replace("cap = 1.0", f"cap = {huge}"))

    assert message.startswith("my.toml")


def test_a_network_may_be_named_for_short(text):
    short = 'network = "small-cnn"\n' + text.replace(
        '[network]\nname = "small-cnn"\n', ""
    )

    assert parse_track(short, "my.toml") == parse_track(text, "my.toml")


def test_a_task_has_options_of_its_own(text):
    options = "[data.options]\nsize = 32\ncrop = true\n"

    track = parse_track(text + options, "my.toml")

    assert track.data.options == (("crop", True), ("size", 32))
    assert track.hash != parse_track(text, "my.toml").hash
    assert isinstance(hash(track), int)


def test_an_option_that_is_no_plain_value_is_refused(text):
    message = refused(text + "[data.options]\nsizes = [1, 2]\n")

    assert message == (
        "my.toml: data.options.sizes must be a text, a number or a boolean."
    )
