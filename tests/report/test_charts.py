"""Learning curves, confusion matrices and the most frequent confusions."""

from __future__ import annotations

from fourfold.report.charts import Confused, confusion_chart, learning_curves, most_confused
from fourfold.study.leaderboard import LeaderboardRow


def test_curves_show_each_seed_and_the_mean_of_what_all_seeds_reached():
    line = LeaderboardRow("DANN", "transfer", losses=[[4.0, 2.0, 1.0], [2.0, 1.0], []])
    [chart] = learning_curves([line, LeaderboardRow("Linear", "baseline")])
    first, second, mean = chart.figure["data"]
    assert (first["x"], first["y"]) == ([1, 2, 3], [4.0, 2.0, 1.0])
    assert second["y"] == [2.0, 1.0]
    assert (mean["x"], mean["y"]) == ([1, 2], [3.0, 1.5])
    assert mean["line"]["width"] > 2 * first["line"]["width"]


def test_confusion_is_shaded_by_share_and_names_survive():
    chart = confusion_chart(["a", "<b>"], [[3, 1], [0, 0]])
    [trace] = chart.figure["data"]
    assert trace["z"] == [[0.75, 0.25], [0.0, 0.0]]
    assert trace["text"] == [[3, 1], [0, 0]]
    assert chart.figure["layout"]["xaxis"]["ticktext"] == ["a", "&lt;b&gt;"]
    assert chart.label == "Confusion matrix of 2 classes: 3 of 4 rows are right."
    assert confusion_chart(["a"], []) is None


def test_many_classes_are_named_in_part_and_counted_on_hovering():
    chart = confusion_chart([f"class {i}" for i in range(70)], [[1] * 70] * 70)
    [trace] = chart.figure["data"]
    assert "texttemplate" not in trace
    assert len(chart.figure["layout"]["yaxis"]["ticktext"]) <= 20
    assert trace["hovertext"][69][0] == "true class 69, predicted class 0: 1 rows"


def test_most_confused_leaves_out_what_is_right_and_counts_shares_of_the_true_class():
    found = most_confused(["a", "b", "c"], [[90, 0, 10], [30, 30, 0], [0, 0, 0]])
    assert found == [Confused("b", "a", 30, 50.0), Confused("a", "c", 10, 10.0)]
    assert most_confused([], []) == []
    assert len(most_confused(list("abc"), [[1] * 3] * 3, most=2)) == 2
