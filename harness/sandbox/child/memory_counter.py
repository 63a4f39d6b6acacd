"""Read what a cgroup holds of memory, also of what no process owns."""

from pathlib import Path

from harness.sandbox.child.descendants import read_quietly

# Of version 2 and of version 1: what cannot be taken back without losing content. The
# kernel's own is in a file of its own in version 1.
_KEPT = (b"anon", b"shmem", b"kernel", b"sock", b"rss", b"swap")
_TAKEN_BACK = b"slab_reclaimable"
_SWAP, _KERNEL = "memory.swap.current", "memory.kmem.usage_in_bytes"


class MemoryCounter:
    """Memory charged to a cgroup, but for what the kernel can have back at any time."""

    def __init__(self, folder: Path) -> None:
        self._statistics = str(folder / "memory.stat")
        self._more = [str(folder / name) for name in (_SWAP, _KERNEL)]
        self._more = [path for path in self._more if Path(path).exists()]
        self.held_bytes()

    def held_bytes(self) -> int:
        """Bytes charged now."""
        total = 0
        for line in read_quietly(self._statistics).splitlines():
            name, _, value = line.partition(b" ")
            if name in _KEPT:
                total += int(value)
            elif name == _TAKEN_BACK:
                total -= int(value)
        for path in self._more:
            total += int(read_quietly(path))
        return total
