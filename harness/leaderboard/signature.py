"""Signatures of an organizer's key, made and checked by OpenSSH's ``ssh-keygen -Y``."""

import subprocess
from pathlib import Path

from harness.errors import UsageError

#: Who signs, and what for: a signature made for mail or git is none of these.
_IDENTITY, _NAMESPACE = "organizer", "unlearn-eval"
#: Beside the tables: lines ``organizer ssh-ed25519 AAAA…`` of the keys that count.
SIGNERS = "allowed_signers"


def signature_path(path: Path) -> Path:
    """Where the signature of a file lies."""
    return path.with_name(f"{path.name}.sig")


def sign(path: Path, key: Path) -> None:
    """Sign a file with a private key, or one that the agent holds."""
    signature_path(path).unlink(missing_ok=True)
    command = ["sign", "-q", "-f", str(key), "-n", _NAMESPACE, str(path)]
    answer = _ssh_keygen(command)
    if answer.returncode != 0:
        words = " ".join(answer.stderr.decode(errors="replace").split())
        raise UsageError(
            f"{path} could not be signed with {key} ({words:.200}); give a key of "
            "ssh-keygen -t ed25519."
        )


def is_signed(path: Path, signers: Path) -> bool:
    """Whether a key among the signers has signed a file as it is."""
    signature = signature_path(path)
    if not (path.is_file() and signature.is_file()):
        return False
    options = ["-f", str(signers), "-I", _IDENTITY, "-n", _NAMESPACE]
    command = ["verify", "-q", *options, "-s", str(signature)]
    return _ssh_keygen(command, path.read_bytes()).returncode == 0


def _ssh_keygen(
    arguments: list[str], content: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", *arguments],
            input=content,
            capture_output=True,
            timeout=60,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError(
            "signatures need ssh-keygen, which is not here; install OpenSSH's client "
            "(sudo apt-get install openssh-client)."
        ) from None
