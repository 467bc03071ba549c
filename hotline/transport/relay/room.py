"""Room on the disk: a floor below which no cell is taken, and a ballast to let go of.

Spec: docs/transport.md §9.5
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

FLOOR_PART = 0.10
"""The part of the volume that cells leave free."""

BALLAST_BYTES = 16 * 1024 * 1024
_PRIVATE_FILE = 0o600


class Room:
    """What is free beside `file`, and a ballast that occupies a little of it.

    A relay whose disk others filled up must still be able to write down that
    cells were consumed: then the ballast goes, and comes back when there is room.
    """

    def __init__(
        self, file: Path, *, floor_part: float = FLOOR_PART, ballast_bytes: int = BALLAST_BYTES
    ) -> None:
        self._directory = file.parent
        self._ballast = file.with_name(file.name + ".ballast")
        self._floor_part, self._ballast_bytes = floor_part, ballast_bytes

    def free_bytes(self) -> int:
        """Return what an ordinary user may still write."""
        return shutil.disk_usage(self._directory).free

    def is_full(self, reusable_bytes: int) -> bool:
        """Return whether no further cell may be taken.

        Args:
            reusable_bytes: Free pages inside the store's file: they count, since
                the file does not shrink when cells go.
        """
        disk = shutil.disk_usage(self._directory)
        floor = int(disk.total * self._floor_part)
        return disk.free + reusable_bytes < floor or disk.free < floor // 2

    def lay_ballast(self) -> None:
        """Occupy the ballast's bytes, unless they are, or there is no room beside the floor."""
        disk = shutil.disk_usage(self._directory)
        if self._laid() or disk.free < disk.total * self._floor_part + self._ballast_bytes:
            return
        descriptor = os.open(self._ballast, os.O_CREAT | os.O_WRONLY, _PRIVATE_FILE)
        try:
            # A file system without the call, or without room, keeps no ballast.
            with contextlib.suppress(OSError):
                os.posix_fallocate(descriptor, 0, self._ballast_bytes)
        finally:
            os.close(descriptor)

    def _laid(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return self._ballast.stat().st_size >= self._ballast_bytes
        return False

    def drop_ballast(self) -> bool:
        """Give the ballast's bytes back; return whether there were any."""
        if not self._laid():
            return False
        self._ballast.unlink(missing_ok=True)
        return True
