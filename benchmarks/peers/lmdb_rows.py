"""Rows in LMDB, each behind a digest of its bytes that is checked when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, final

import lmdb
import numpy as np
from xxhash import xxh3_64_intdigest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DIGEST: Final = 8
"""Bytes of a digest."""


@final
class Rows:
    """Rows (n, d) of float32 by their number."""

    def __init__(self, folder: Path, size: int, *, read_only: bool = False) -> None:
        self.env = lmdb.open(str(folder), map_size=size, readonly=read_only, lock=not read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.env.close()

    def write(self, x: NDArray[np.float32], per_write: int) -> None:
        """Write rows, so many in a transaction."""
        for start in range(0, len(x), per_write):
            with self.env.begin(write=True) as writing:
                for i in range(start, min(start + per_write, len(x))):
                    content = x[i].tobytes()
                    digest = xxh3_64_intdigest(content).to_bytes(DIGEST, "little")
                    writing.put(i.to_bytes(DIGEST, "big"), digest + content)

    def take(self, index: NDArray[np.intp], width: int) -> NDArray[np.float32]:
        """Read rows, and prove each: (m, d)."""
        found = np.empty((len(index), width), np.float32)
        with self.env.begin(buffers=True) as reading:
            for at, i in enumerate(index):
                stored = reading.get(int(i).to_bytes(DIGEST, "big"))
                if stored is None:
                    raise KeyError(i)
                content = stored[DIGEST:]
                if xxh3_64_intdigest(content) != int.from_bytes(stored[:DIGEST], "little"):
                    raise ValueError(i)
                found[at] = np.frombuffer(content, np.float32)
        return found
