"""The prior pools gains from method to cell, and says how unsure it is."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold.errors import DataError
from fourfold.study.choice.prior import SPREADS, Circumstances, Observation, Prior

AT = Circumstances("finetuning", "table", "Classification", 8.0)
NAMES = {name: name for name in ("FineTune", "L2SP", "TargetOnly")}


def observed(families=6, **gains):
    """Make observations with these gains in every family."""
    return Prior(tuple(Observation(f"family {i}", AT, gains) for i in range(families)))


def test_nothing_is_known_without_observations():
    found = Prior().expect(AT, NAMES)
    assert not Prior().knows("finetuning")
    spread = sum(s**2 for name, s in SPREADS.items() if "slope" not in name)
    for gain in found.values():
        assert gain == pytest.approx((0, spread))


def test_a_method_gets_its_gain_and_others_of_its_cell_some_of_it():
    found = observed(FineTune=0.4).expect(AT, {**NAMES, "mine": "MyOwn"})
    assert 0.25 < found["FineTune"].mean < 0.4
    assert 0.05 < found["L2SP"].mean < found["FineTune"].mean
    assert found["mine"].mean == pytest.approx(found["L2SP"].mean)  # the cell's
    assert found["TargetOnly"].mean == pytest.approx(0, abs=1e-9)
    variances = [found[name].variance for name in ("FineTune", "L2SP", "TargetOnly")]
    assert variances == sorted(variances)


def test_one_family_of_many_draws_says_less_than_as_many_families():
    same = Prior(tuple(Observation("one", AT, {"FineTune": 0.4}) for _ in range(6)))
    many = observed(FineTune=0.4)
    assert same.expect(AT, NAMES)["FineTune"].mean < many.expect(AT, NAMES)["FineTune"].mean


def test_gains_follow_the_labels_and_the_kind_of_inputs():
    made = Prior(
        tuple(
            Observation(
                f"{kind} {labels}", AT._replace(kind=kind, labels=labels), {"FineTune": gain}
            )
            for kind, shift in (("table", 0.0), ("texts", 0.3))
            for labels, gain in ((1.0, 0.4 + shift), (8.0, 0.1 + shift), (64.0, -0.2 + shift))
        )
    )

    def gain(**at):
        return made.expect(AT._replace(**at), NAMES)["FineTune"].mean

    assert gain(labels=1.0) > gain(labels=8.0) > gain(labels=64.0)
    assert gain(kind="texts") > gain(kind="sounds") > gain(kind="table")


def test_it_is_the_posterior_of_a_gaussian_process():
    made = observed(families=2, FineTune=0.3, L2SP=-0.1)
    s = {name: value**2 for name, value in SPREADS.items()}
    group, method = s["cell"] + s["cell kind"], s["method"] + s["method kind"] + s["method answer"]
    cases = [(family, name) for family in range(2) for name in ("FineTune", "L2SP")]
    known = np.array(
        [
            [
                group
                + s["family"] * (f == g)
                + (m == n) * (method + (f == g) * (s["family method"] + s["task"]))
                for g, n in cases
            ]
            for f, m in cases
        ]
    )
    across = np.array([group + method * (name == "FineTune") for _, name in cases])
    gains = np.array([0.3, -0.1, 0.3, -0.1])
    found = made.expect(AT, NAMES)["FineTune"]
    assert found.mean == pytest.approx(across @ np.linalg.solve(known, gains))
    own = group + method + s["family"] + s["family method"] + s["task"]
    wanted = own - across @ np.linalg.solve(known, across)
    assert found.variance == pytest.approx(wanted)


def test_families_can_be_left_out():
    made = observed(families=2, FineTune=0.4)
    assert made.without("family 0").observations == made.observations[1:]
    assert not made.without("family 0", "family 1").knows("finetuning")


def test_it_is_saved_and_read(tmp_path):
    made = observed(FineTune=0.4)
    made.save(tmp_path / "prior.json")
    assert Prior.of(tmp_path / "prior.json").observations == made.observations
    assert Prior.of(made) is made
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(DataError, match=r"Prior\.save"):
        Prior.of(tmp_path / "other.json")


def test_what_is_packaged_names_its_command_and_families():
    prior = Prior.packaged()
    assert prior.made["command"].startswith("python -m benchmarks arena")
    assert {one.family for one in prior.observations} == set(prior.made["families"])


def test_a_lead_on_the_source_moves_expectations_as_it_did_before():
    made = Prior(
        tuple(
            Observation(f"family {i}", AT, {"FineTune": 0.1 + 0.8 * lead}, {"FineTune": lead})
            for i, lead in enumerate((-0.4, -0.2, 0.0, 0.2, 0.4, 0.6))
        )
    )
    low, plain, high = (
        made.expect(AT, NAMES, {"FineTune": lead})["FineTune"].mean for lead in (-0.3, 0.0, 0.3)
    )
    assert plain - low == pytest.approx(high - plain)
    assert 0.1 < high - plain < 0.24  # shrunk towards none
    unmoved = made.expect(AT, NAMES, {"FineTune": 0.3})["TargetOnly"].mean
    assert unmoved == pytest.approx(made.expect(AT, NAMES)["TargetOnly"].mean)
