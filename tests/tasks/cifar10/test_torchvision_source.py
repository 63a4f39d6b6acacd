"""torchvision's download, in a process of its own."""

import functools
import hashlib
import http.server
import socket
import sys
import tarfile
import threading

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from harness.tasks.cifar10 import torchvision_download
from harness.tasks.cifar10.source import SourceError
from harness.tasks.cifar10.torchvision_source import TorchvisionSource


def test_what_the_downloader_leaves_is_read(
    tmp_path, batches, write_folder, edition, recorded
):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    copy = ("sh", "-c", 'cp -r "$0" "$1"', str(write_folder(tmp_path, batches)))
    read = list(TorchvisionSource(edition, copy).batches(workspace, recorded))
    assert np.array_equal(read[5].planes, batches[5].planes)
    assert recorded.stages == [("Downloading CIFAR-10 (torchvision)", 170_498_071)]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('Traceback'); print('RuntimeError: no nms'); exit(1)", "no nms"),
        ("exit(1)", "failed silently"),
        ("", "data_batch_1 cannot be read"),
    ],
)
def test_a_failure_is_told_by_its_last_line(
    tmp_path, edition, recorded, program, reason
):
    source = TorchvisionSource(edition, (sys.executable, "-c", program))
    with pytest.raises(SourceError, match=reason):
        list(source.batches(tmp_path, recorded))


@pytest.fixture
def host(tmp_path, batches, write_folder, monkeypatch):
    """A host on this machine that torchvision takes for CIFAR-10's."""

    def md5(path):
        return hashlib.md5(path.read_bytes()).hexdigest()

    folder = write_folder(tmp_path, batches)
    (folder / "batches.meta").write_bytes(b"\x80\x02}U\x0blabel_names]s.")
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    tests = [["test_batch", md5(folder / "test_batch")]]
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(tmp_path / "cifar.tar.gz"))
    monkeypatch.setattr(CIFAR10, "train_list", [])
    monkeypatch.setattr(CIFAR10, "test_list", tests)
    meta = {"filename": "batches.meta", "key": "label_names"}
    meta["md5"] = md5(folder / "batches.meta")
    monkeypatch.setattr(CIFAR10, "meta", meta)
    monkeypatch.setattr(CIFAR10, "filename", "cifar.tar.gz")
    handler = functools.partial(_Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/cifar.tar.gz"
        monkeypatch.setattr(CIFAR10, "url", url)
        monkeypatch.setenv("no_proxy", "*")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
    socket.setdefaulttimeout(None)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def test_torchvision_leaves_the_folder_that_is_read(tmp_path, host):
    target = tmp_path / "target"
    target.mkdir()
    torchvision_download.main(str(target))
    assert (target / "cifar-10-batches-py" / "data_batch_5").is_file()


def test_a_host_out_of_reach_is_known_before_torchvision_tries(tmp_path, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        port = unused.getsockname()[1]
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{port}/x")
        monkeypatch.setenv("no_proxy", "*")
        with pytest.raises(OSError, match="refused"):
            torchvision_download.main(str(tmp_path))
    assert socket.getdefaulttimeout() is None
