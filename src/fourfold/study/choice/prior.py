"""Prior of methods: their gains on public tasks, pooled from method to cell."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from fourfold.errors import DataError
from fourfold.methods import table
from fourfold.study.choice.gains import Gain
from fourfold.study.question import BLENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Circumstances", "Observation", "Prior"]

MIDDLE: Final = 3.0
"""Labels a class, as a power of 2, at which intercepts are taken."""
NEW: Final = "the family of a study"
"""Family that no observation is of."""
SPREADS: Final = {
    "cell": 0.15,
    "cell slope": 0.05,
    "cell kind": 0.15,
    "method": 0.1,
    "method slope": 0.05,
    "method kind": 0.15,
    "method kind slope": 0.05,
    "method answer": 0.1,
    "family": 0.15,
    "family method": 0.1,
    "task": 0.07,
    "lead slope": 0.5,
    "method lead slope": 0.3,
}
"""Standard deviation of each effect on gains, fixed before any were measured."""


class Circumstances(NamedTuple):
    """Facts about a question on which gains depend.

    Attributes
    ----------
    cell
        Where the data stand on the map.
    kind
        Of the target's rows, such as ``"table"``.
    answer
        Type of the task, such as ``"Classification"``.
    labels
        Labels a class; for numbers, half of them.
    """

    cell: str
    kind: str
    answer: str
    labels: float


class Observation(NamedTuple):
    """Gains on one public task, mean over its draws: method → gain, and of some methods the lead.

    The lead is that of the method's kind of model on the source (``choice/leads.py``), 0 by
    default.
    """

    family: str
    circumstances: Circumstances
    gains: Mapping[str, float]
    leads: Mapping[str, float] = {}


class Cases(NamedTuple):
    """Methods in circumstances, as effects see them: arrays (n,)."""

    method: NDArray[np.str_]
    group: NDArray[np.str_]
    kind: NDArray[np.str_]
    answer: NDArray[np.str_]
    family: NDArray[np.str_]
    task: NDArray[np.intp]
    slope: Floats
    lead: Floats

    @classmethod
    def of(cls, cases: Iterable[tuple[str, Circumstances, str, int, float]]) -> Cases:
        """Take a method's name, circumstances, family, number of a task and lead of each case."""
        columns = zip(
            *(
                (name, _group(name, at), at.kind, at.answer, family, task, _slope(at), lead)
                for name, at, family, task, lead in cases
            ),
            strict=True,
        )
        return cls(*map(np.array, columns))


@final
@dataclass(frozen=True)
class Prior:
    """Expected gains of methods before a study has any evidence.

    A gain is a sum of random effects: of cell and method, their slopes in log labels and in the
    lead of the method's kind of model on the source, their interactions with the kind of inputs and
    of answers, and of the family of data sets. A method
    without observations gets those of its cell.

    Attributes
    ----------
    observations
        Gains that were measured.
    made
        Provenance: date, versions, command.
    """

    observations: tuple[Observation, ...] = ()
    made: Mapping[str, Any] | None = None

    @classmethod
    @cache
    def packaged(cls) -> Prior:
        """Return the prior that comes with fourfold."""
        return cls._of(json.loads((files(__package__) / "prior.json").read_text("utf-8")))

    @classmethod
    def of(cls, given: Prior | Path | str) -> Prior:
        """Take a prior, or read the file that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is none.
        """
        if isinstance(given, Prior):
            return given
        try:
            return cls._of(json.loads(Path(given).read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            fault = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise DataError(
                f"prior must be a file that Prior.save wrote; got {given!s:.200}: {fault}"
            ) from error

    @classmethod
    def _of(cls, raw: Mapping[str, Any]) -> Prior:
        return cls(
            tuple(
                Observation(**one | {"circumstances": Circumstances(*one["circumstances"])})
                for one in raw["observations"]
            ),
            raw["made"],
        )

    def save(self, path: Path) -> None:
        """Write the prior as JSON."""
        rows = ",\n  ".join(json.dumps(one._asdict()) for one in self.observations)
        made = json.dumps(self.made, indent=1)
        path.write_text(f'{{"made": {made},\n "observations": [\n  {rows}]}}\n', "utf-8")

    def without(self, *families: str) -> Prior:
        """Leave out all that was measured on some families of data sets."""
        kept = tuple(one for one in self.observations if one.family not in families)
        return Prior(kept, self.made)

    def knows(self, cell: str) -> bool:
        """Return whether gains were measured where data stand on this cell."""
        return any(one.circumstances.cell == cell for one in self.observations)

    def expect(
        self,
        at: Circumstances,
        methods: Mapping[str, str],
        leads: Mapping[str, float] | None = None,
    ) -> dict[str, Gain]:
        """Return the expected gain of each candidate, name → class, with its variance.

        Leads of candidates are 0 by default; one beyond all that were measured counts as the
        furthest of these.
        """
        low, high = self._furthest_leads
        of = {name: min(max(lead, low), high) for name, lead in (leads or {}).items()}
        asked = Cases.of((name, at, NEW, -1, of.get(own, 0.0)) for own, name in methods.items())
        means, variances = np.zeros(len(methods)), _covariance(asked, asked).diagonal()
        if self.observations:
            known, solved, root = self._solved
            across = _covariance(asked, known)
            means = across @ solved
            variances = variances - (solve_triangular(root, across.T, lower=True) ** 2).sum(axis=0)
        pairs = zip(methods, means.tolist(), variances.tolist(), strict=True)
        return {name: Gain(mean, variance) for name, mean, variance in pairs}

    @cached_property
    def _furthest_leads(self) -> tuple[float, float]:
        """The smallest and the largest lead that was measured, or none."""
        measured = [0.0, *(lead for one in self.observations for lead in one.leads.values())]
        return min(measured), max(measured)

    @cached_property
    def _solved(self) -> tuple[Cases, Any, Any]:
        """Return all cases, the solution of their covariance for gains, and its Cholesky factor."""
        pairs = [
            (name, one.circumstances, one.family, task, one.leads.get(name, 0.0), gain)
            for task, one in enumerate(self.observations)
            for name, gain in one.gains.items()
        ]
        known = Cases.of(pair[:-1] for pair in pairs)
        root = np.linalg.cholesky(_covariance(known, known))
        return known, cho_solve((root, True), np.array([pair[-1] for pair in pairs])), root


def _covariance(one: Cases, other: Cases) -> Floats:
    """Return the covariances of gains, (n, m)."""
    slopes = one.slope[:, None] * other.slope
    kind = one.kind[:, None] == other.kind
    task = one.task[:, None] == other.task
    answer = one.answer[:, None] == other.answer
    family = one.family[:, None] == other.family
    group = one.group[:, None] == other.group
    method = one.method[:, None] == other.method
    s = SPREADS
    leads = one.lead[:, None] * other.lead
    of_group = s["cell"] ** 2 + s["cell slope"] ** 2 * slopes + s["cell kind"] ** 2 * kind
    of_group = of_group + s["lead slope"] ** 2 * leads
    of_method = (
        s["method"] ** 2
        + s["method slope"] ** 2 * slopes
        + (s["method kind"] ** 2 + s["method kind slope"] ** 2 * slopes) * kind
        + s["method answer"] ** 2 * answer
        + s["method lead slope"] ** 2 * leads
    )
    of_group = of_group + s["family"] ** 2 * family
    of_method = of_method + s["family method"] ** 2 * family + s["task"] ** 2 * task
    return np.asarray(group * of_group + method * of_method)


def _group(name: str, at: Circumstances) -> str:
    """Return the folder of a method, whose members share effects; a user's own is of the cell."""
    entry = table().get(name.partition(" ")[0])  # a variant's own name stands behind it
    return name if name in BLENDS else at.cell if entry is None else entry.cell


def _slope(at: Circumstances) -> float:
    """Return the doublings of labels a class from the middle."""
    return math.log2(max(at.labels, 0.5)) - MIDDLE
