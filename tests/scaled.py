"""A stand-in for a frozen function, for the tests of the store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

X = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
STEP = 8


class Scaled:
    """A multiplication, a few rows at a time, that logs its rows to a file."""

    def __init__(self, by=2.0, log=None, ragged=False, names=("half", "output")):
        self.names = names
        self.by, self.log, self.ragged = by, log, ragged
        self.computed = 0
        self.key = f"scaled{by}"

    def stream(self, rows, index):
        for at in range(0, len(index), STEP):
            x = rows.take(index[at : at + STEP])
            self.computed += len(x)
            if self.log:
                with Path(self.log).open("a") as file:
                    file.writelines(f"{row.tobytes().hex()}\n" for row in x)
            values = {"half": x * (self.by / 2), "output": x * self.by}
            if self.ragged:
                values = {name: _cut(value, x) for name, value in values.items()}
            yield {name: values[name] for name in self.names}

    def compute(self, rows, index=None):
        parts = list(self.stream(rows, np.arange(rows.n) if index is None else index))
        return {name: np.concatenate([part[name] for part in parts]) for name in self.names}


def _cut(values, x):
    """Cut each value to a length that depends on its row."""
    beside = np.empty(len(values), object)
    beside[:] = [value[: 1 + int(row[0] > 0)] for value, row in zip(values, x, strict=True)]
    return beside


def everything(rows):
    return rows.take(np.arange(rows.n))
