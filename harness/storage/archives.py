"""Archives of strangers: what they unpack to is bounded before they are unpacked."""

import zipfile

#: What is always allowed, and how many times its size an archive may unpack to beyond;
#: measured numbers hardly get smaller.
_ALWAYS, _MOST_TIMES = 256 << 20, 100


def refuse_bomb(archive: zipfile.ZipFile | None, n_packed: int) -> None:
    """Raise a ValueError for an archive that claims far more than it has."""
    entries = archive.infolist() if archive else []
    n_bytes = sum(entry.file_size for entry in entries)
    if n_bytes > max(_ALWAYS, _MOST_TIMES * n_packed):
        raise ValueError(
            f"it unpacks to {n_bytes / 2**20:.0f} MiB, {n_bytes // max(1, n_packed)} "
            "times its size; measured numbers do not"
        )
