"""What machine this is, for results, calibrations and bit-for-bit checks."""

import hashlib
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """The facts of a machine that a number may depend on."""

    system: str
    processor: str
    cores: int
    memory_gib: int
    gpu: str
    python: str
    torch: str
    numpy: str

    @property
    def fingerprint(self) -> str:
        """Hex digest that is equal on machines of the same kind.

        Memory is left out: it changes no speed, and a virtual machine's may vary.
        """
        facts = {k: v for k, v in asdict(self).items() if k != "memory_gib"}
        text = "\n".join(f"{k}={v}" for k, v in facts.items())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def arithmetic(self) -> str:
        """Hex digest of what decides the bits of a trained model on a CPU."""
        text = "\n".join((self.processor, _capabilities(), self.torch))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def describe(self) -> str:
        """Return one line for people."""
        gpu = f", {self.gpu}" if self.gpu else ""
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB{gpu}, "
            f"Python {self.python}, torch {self.torch}"
        )


def in_container() -> bool:
    """Tell whether this process runs in a container, by what engines leave there."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    return "container" in os.environ or any(mark.exists() for mark in marks)


@cache
def this_machine() -> Machine:
    """Describe the machine this process runs on."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_cpuinfo("model name") or platform.processor() or "unknown",
        cores=available_cores(),
        memory_gib=round(total_memory_bytes() / 2**30),
        gpu=_gpu(),
        python=platform.python_version(),
        torch=installed_version("torch"),
        numpy=installed_version("numpy"),
    )


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory_bytes() -> int:
    """Memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def available_memory_bytes() -> int:
    """Memory that could be had now without taking it from others, if it is said."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return total_memory_bytes()


def installed_version(package: str) -> str:
    """Version of an installed package, read without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return ""


def _capabilities() -> str:
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx512_fp16")
    flags = set(_cpuinfo("flags").split())
    return " ".join(flag for flag in wanted if flag in flags)


def _gpu() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    query = [tool, "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    names = answer.stdout.strip().splitlines() if answer.returncode == 0 else []
    return f"{len(names)} x {names[0]}" if names else ""
