"""What machine this is, for results, calibrations and bit-for-bit checks."""

import hashlib
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from itertools import takewhile
from pathlib import Path

from harness.cgroups import memory_bounds


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
        return _digest(self.processor, _capabilities(), self.torch)

    def arithmetic_on(self, device: str) -> str:
        """Return the same for a device; any of several GPUs of a kind is alike."""
        if not is_gpu(device):
            return self.arithmetic
        return _digest("cuda", self.gpu.partition(" x ")[2], self.torch)

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


def _digest(*facts: str) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


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


def named_machine() -> str:
    """Name the machine this process runs on, and say what it is."""
    return f"{platform.node()}: {this_machine().describe()}"


def is_gpu(device: str) -> bool:
    """Tell whether a device is a GPU: ``"cuda"``, or one of several, ``"cuda:1"``."""
    return device.partition(":")[0] == "cuda"


def gpus_of(device: str) -> tuple[str, ...]:
    """Name the GPUs of a device as CUDA_VISIBLE_DEVICES does; none for the CPU.

    ``"cuda"`` stands for all that this process may use, ``"cuda:1"`` for the second.
    """
    if not is_gpu(device):
        return ()
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        names = tuple(map(str, range(len(_gpu_facts()))))
    else:
        named = map(str.strip, allowed.split(","))
        # CUDA sees nothing from the first name on that is none, such as -1.
        names = tuple(takewhile(lambda name: name and name[0] != "-", named))
    place = device.partition(":")[2]
    return names[int(place) :][:1] if place else names


def usual_jobs(device: str) -> int:
    """Say how much is done at a time: one thing on each GPU, or on each core."""
    return max(1, len(gpus_of(device))) if is_gpu(device) else available_cores()


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory_bytes() -> int:
    """Memory of this machine, or of the container that this process is in."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *(bound.limit for bound in memory_bounds())])


def available_memory_bytes() -> int:
    """Memory that could be had now without taking it from others, if it is said."""
    left = [max(0, bound.limit - bound.held) for bound in memory_bounds()]
    return min([_machines_available_bytes(), *left])


def _machines_available_bytes() -> int:
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
    """Name GPUs and what else decides their arithmetic; nothing where there is none."""
    facts = _gpu_facts()
    if not facts:
        return ""
    names = " and ".join(dict.fromkeys(name for name, _ in facts))
    return (
        f"{len(facts)} x {names}, driver {facts[0][1]}, cuDNN {_cudnn_version()}, "
        "TF32 in the convolutions of runs"
    )


@cache
def _gpu_facts() -> tuple[tuple[str, str], ...]:
    """Name and driver of each GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    lines = answer.stdout.strip().splitlines() if answer.returncode == 0 else []
    found = (line.rpartition(",") for line in lines)
    return tuple((name.strip(), driver.strip()) for name, _, driver in found)


def _cudnn_version() -> str:
    """Version of the cuDNN that is installed beside torch."""
    for found in distributions():
        name = found.metadata["Name"] or ""
        if name.lower().startswith("nvidia-cudnn"):
            return found.version
    return "of the system"
