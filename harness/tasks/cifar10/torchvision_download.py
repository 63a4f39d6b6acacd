"""Program: put torchvision's CIFAR-10 into the folder named as the only argument."""

import socket
import sys
import urllib.request

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0


def main(folder: str) -> None:
    """Download ``cifar-10-batches-py`` with torchvision's own checksums.

    The host is asked once with a short limit first: torchvision waits without any.
    """
    from torchvision.datasets import CIFAR10  # noqa: PLC0415

    urllib.request.urlopen(CIFAR10.url, timeout=_CONNECT_SECONDS).close()
    socket.setdefaulttimeout(_READ_SECONDS)
    CIFAR10(folder, train=False, download=True)


if __name__ == "__main__":
    main(sys.argv[1])
