"""Folders and zips of strangers: read in place, bounded, and never outside."""

import os
import stat
import struct
import tracemalloc
import zipfile

import pytest

from harness.errors import UsageError
from harness.run.checkpoints import read_checkpoints

NAMES = [f"unlearned_checkpoint_{number}.pth" for number in range(2)]
FILES = {name: name.encode() for name in NAMES}
N_BYTES = 1000
MOST = "a checkpoint of this track's network has at most 1.0 MB."


@pytest.fixture
def problems(make_zip):
    """What is wrong with a zip that holds two good files and another one."""

    def find(entry=None, content=b"x", **options) -> str:
        path = make_zip(FILES, **options)
        if entry is not None:
            with zipfile.ZipFile(path, "a") as archive:
                archive.writestr(entry, content)
        (problem,) = read_checkpoints(path, 2, N_BYTES).problems
        return problem

    return find


def info(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def test_a_zip_and_a_folder_of_the_same_files_have_one_identity(make_zip, tmp_path):
    folder = tmp_path / "loose"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    nested = {f"inside/{name}": content for name, content in FILES.items()}

    loose = read_checkpoints(folder, 2, N_BYTES)
    packed = read_checkpoints(make_zip(nested), 2, N_BYTES)

    assert loose.problems == packed.problems == ()
    assert loose.sha256 == packed.sha256
    assert (loose.name, packed.name) == ("loose", "submission")
    assert [packed.read(c) for c in packed.checkpoints] == list(FILES.values())


def test_another_content_or_order_is_another_identity(make_zip):
    found = {
        read_checkpoints(make_zip(files), 2, N_BYTES).sha256
        for files in (
            FILES,
            {**FILES, NAMES[1]: b"other"},
            dict(zip(NAMES, reversed(FILES.values()), strict=True)),
        )
    }
    assert len(found) == 3


def test_what_lies_beside_the_first_n_changes_nothing(make_zip):
    alone = read_checkpoints(make_zip(FILES), 2, N_BYTES)
    more = {**FILES, "unlearned_checkpoint_2.pth": b"third", "notes.txt": b"words"}

    assert read_checkpoints(make_zip(more), 2, N_BYTES).sha256 == alone.sha256


def test_the_list_of_a_set_names_every_file_and_its_hash(make_zip):
    lines = read_checkpoints(make_zip(FILES), 2, N_BYTES).kept()[1].splitlines()

    assert lines[0] == "number,file,n_bytes,sha256"
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["0", NAMES[0], "26"],
        ["1", NAMES[1], "26"],
    ]


@pytest.mark.parametrize(
    "name",
    [
        "../unlearned_checkpoint_0.pth",
        "a/../../x",
        "/etc/passwd",
        "..\\x",
        "C:\\x",
        "C:x",
        "\\\\server\\share\\x",
    ],
)
def test_a_path_that_leads_out_of_a_zip_is_refused(problems, name):
    assert problems(info(name)) == (
        f"the zip holds a path outside it, {name}; make it anew."
    )


def test_a_name_that_hides_its_end_is_refused(make_zip):
    path = make_zip({**FILES, "unlearned_checkpoint_9.pthX/../../x": b""})
    path.write_bytes(path.read_bytes().replace(b"9.pthX", b"9.pth\0"))

    (problem,) = read_checkpoints(path, 2, N_BYTES).problems

    assert problem.startswith("the zip holds a path outside it, unlearned_checkpoint_9")
    assert "\0" not in problem


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (stat.S_IFLNK, "a link, x"),
        (stat.S_IFCHR, "a special file, x"),
        (stat.S_IFIFO, "a special file, x"),
    ],
)
def test_a_link_or_device_in_a_zip_is_refused(problems, kind, words):
    assert problems(info("x", kind | 0o777), b"/etc/passwd") == (
        f"the zip holds {words}; only plain files are read."
    )


def test_two_files_of_one_name_in_a_zip_are_refused(problems):
    with pytest.warns(UserWarning, match="Duplicate name"):
        problem = problems(info(NAMES[0]))

    assert problem == f"the zip holds {NAMES[0]} twice; make it anew."


def test_an_encrypted_zip_is_refused(make_zip):
    path = make_zip(FILES)
    path.write_bytes(_with_flags(path.read_bytes(), 0x1))

    assert read_checkpoints(path, 2, N_BYTES).problems == (
        f"the zip is encrypted ({NAMES[0]}); give one without a password.",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_cannot_be_bounded_is_refused(problems, method):
    entry = info("x")
    entry.compress_type = method

    assert problems(entry) == (
        f"x is compressed in an unusual way (method {method}); make the zip with "
        "deflate, the usual one."
    )


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + bytes(90)])
def test_a_file_that_is_no_zip_says_so(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)

    assert read_checkpoints(tmp_path / "x.zip", 2, N_BYTES).problems == (
        "x.zip is no sound zip file: File is not a zip file.",
    )


def test_a_pipe_with_a_zips_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.zip")

    found = read_checkpoints(tmp_path / "x.zip", 2, N_BYTES)

    assert found.problems == ("x.zip is no plain file.",)


def test_control_characters_in_names_never_reach_a_terminal(make_zip):
    odd = {f"\x1b[2J\n/{name}": bytes(2_000_000) for name in NAMES}

    (problem,) = read_checkpoints(make_zip(odd), 2, N_BYTES).problems

    assert problem.isprintable()
    assert problem.startswith("\\x1b[2J /unlearned_checkpoint_0.pth unpacks to 2.0 MB")


def test_a_folder_whose_name_is_no_text_can_be_listed(tmp_path):
    folder = tmp_path / "loose" / os.fsdecode(b"odd\xff")
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)

    found = read_checkpoints(tmp_path / "loose", 2, N_BYTES)

    assert found.problems == ()
    assert f"odd\\udcff/{NAMES[0]}" in found.kept()[1].encode().decode()


def test_a_damaged_entry_is_named(make_zip):
    path = make_zip(FILES)
    content = bytearray(path.read_bytes())
    content[30 + len(NAMES[0]) + 3] ^= 0xFF
    path.write_bytes(content)

    (problem,) = read_checkpoints(path, 2, N_BYTES).problems

    assert problem.startswith(f"{NAMES[0]} is damaged in the zip: ")


def test_a_bomb_that_says_its_size_is_refused_uninflated(make_zip):
    path = make_zip({**FILES, NAMES[1]: bytes(100_000_000)})
    assert path.stat().st_size < 1_000_000

    problem, peak = _problem_and_peak(path)

    assert problem == (
        f"{NAMES[1]} unpacks to 100.0 MB; a checkpoint of this track's network has "
        "at most 1.0 MB."
    )
    assert peak < 10_000_000


def test_a_bomb_that_lies_about_its_size_is_not_inflated_past_the_bound(make_zip):
    path, true_size = make_zip({**FILES, NAMES[1]: bytes(100_000_000)}), 100_000_000
    content = path.read_bytes()
    lie = content.replace(struct.pack("<L", true_size), struct.pack("<L", 500))
    assert lie != content
    path.write_bytes(lie)

    problem, peak = _problem_and_peak(path)

    assert problem.startswith(f"{NAMES[1]} is damaged in the zip: Bad CRC-32")
    assert peak < 10_000_000


def test_files_too_large_that_nobody_asked_for_are_never_inflated(make_zip):
    path = make_zip({**FILES, "unlearned_checkpoint_7.pth": bytes(100_000_000)})

    assert read_checkpoints(path, 2, N_BYTES).problems == ()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_an_odd_file_in_a_folder_is_refused_not_waited_for(tmp_path, kind):
    folder = tmp_path / "loose"
    folder.mkdir()
    (folder / NAMES[0]).write_bytes(b"good")
    odd = folder / NAMES[1]
    if kind == "link":
        odd.symlink_to(folder / NAMES[0])
    elif kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        with odd.open("wb") as file:
            file.truncate(1 << 40)

    (problem,) = read_checkpoints(folder, 2, N_BYTES).problems

    assert (
        problem
        == {
            "link": f"{NAMES[1]} is a link, which is not followed; "
            "give the file itself.",
            "pipe": f"{NAMES[1]} is no plain file.",
            "folder": "too few: 1 checkpoint, N = 2 are needed; make more.",
            "large": f"{NAMES[1]} has 1099511.6 MB; {MOST}",
        }[kind]
    )


def test_a_file_that_changes_between_vetting_and_reading_stops_the_scoring(tmp_path):
    folder = tmp_path / "loose"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    found = read_checkpoints(folder, 2, N_BYTES)
    (folder / NAMES[0]).write_bytes(b"something else")

    with pytest.raises(UsageError, match="changed while it was being scored"):
        found.read(found.checkpoints[0])


def test_a_missing_zip_is_the_users_mistake(tmp_path):
    with pytest.raises(UsageError, match=r"there is no file .*gone\.zip"):
        read_checkpoints(tmp_path / "gone.zip", 2, N_BYTES)


def _problem_and_peak(path) -> tuple[str, int]:
    """Vet a zip; return what is wrong with it and the most memory that took."""
    tracemalloc.start()
    try:
        (problem,) = read_checkpoints(path, 2, N_BYTES).problems
        return problem, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _with_flags(content: bytes, flags: int) -> bytes:
    """Set general-purpose flags in every local and central header of a zip."""
    changed = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            changed[start + place] |= flags
            start = changed.find(mark, start + 4)
    return bytes(changed)
