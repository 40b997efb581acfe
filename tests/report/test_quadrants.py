"""The map in four quadrants."""

from __future__ import annotations

from fourfold.report.quadrants import quadrants


def test_every_cell_lies_in_the_quadrant_of_its_two_answers(helped):
    placed = {
        (quadrant.source, quadrant.target): [cell.cell.name for cell in quadrant.cells]
        for quadrant in quadrants(helped)
    }
    assert placed == {
        (True, True): ["finetuning", "multitask", "progressive"],
        (True, False): ["adaptation", "zeroshot"],
        (False, True): ["selftaught"],
        (False, False): ["clustering"],
    }
