"""Preparations of texts: what both have in common, and what they are worth."""

from __future__ import annotations

import pickle
from pathlib import Path

import datasets
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from benchmarks.documented import described
from fourfold import Domain, FineTune, Recipe, export, load, save
from fourfold.data.rows import FrameRows, TextRows, as_rows
from fourfold.errors import DataError
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.preparation.choose import SentenceEncoding, WordCounts, load_preparation
from preparation_samples import TEXTS, every, same

SHORT = Recipe(epochs=2, min_steps=10)


@pytest.fixture(params=["words", "counts", "sentences"])
def fitted(request):
    """A preparation of each kind, fitted, with texts."""
    rows = as_rows(TEXTS)
    if request.param == "sentences":
        return SentenceEncoding(model=request.getfixturevalue("minilm")).fit(rows), rows
    weights = "tf-idf" if request.param == "words" else "counts"
    return WordCounts(weights=weights).fit(rows), rows


def test_no_bit_of_a_row_depends_on_its_neighbours(fitted):
    preparation, rows = fitted
    together = every(preparation.transform(rows))
    order = np.array([4, 2, 0, 5, 1, 3])
    apart = [every(preparation.transform(rows.subset(np.array([i])))) for i in range(rows.n)]
    assert same(together, np.concatenate(apart))
    assert same(together[order], every(preparation.transform(rows.subset(order))))
    assert np.isfinite(together).all()
    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), *preparation.shape_)


def test_saved_and_loaded_it_does_the_same(fitted, tmp_path):
    preparation, rows = fitted
    preparation.save(tmp_path)
    loaded = load_preparation(tmp_path)
    assert loaded.digest == preparation.digest
    assert loaded.describe() == preparation.describe()
    new = as_rows(["a matrix of Fourier numbers", "nothing of it"])
    for some in (rows, new):
        assert same(every(loaded.transform(some)), every(preparation.transform(some)))
    assert not [file for file in tmp_path.iterdir() if file.stat().st_size > 1e5]


def test_it_travels_to_another_process(fitted):
    preparation, rows = fitted
    content = pickle.dumps(preparation)
    assert len(content) < 1e5
    assert same(
        every(pickle.loads(content).transform(rows)),  # noqa: S301  our own
        every(preparation.transform(rows)),
    )


def test_a_column_of_a_table_is_texts_too(fitted):
    preparation, rows = fitted
    table = pd.DataFrame({"what": TEXTS, "n": range(len(TEXTS))})
    with pytest.raises(DataError, match="must have one column, of texts; got what, n"):
        preparation.transform(FrameRows(table))
    want = every(preparation.transform(rows))
    assert same(want, every(preparation.transform(FrameRows(table[["what"]]))))
    named = clone(preparation).fit(TextRows(TEXTS, "what"))
    assert same(want, every(named.transform(FrameRows(table))))
    with pytest.raises(DataError, match="must have the column 'what'; got n, m"):
        named.transform(FrameRows(table.rename(columns={"what": "m"})[["n", "m"]]))


def test_rows_of_other_kinds_are_refused(fitted):
    preparation, _ = fitted
    with pytest.raises(DataError, match="must be given texts, a list or a column of strings; got"):
        preparation.transform(as_rows(np.eye(3)))
    with pytest.raises(DataError, match=r"TargetOnly must be given texts.*kind array"):
        preparation.check_rows(as_rows(np.eye(3)), "TargetOnly")
    with pytest.raises(DataError, match="missing one"):
        preparation.check_rows(FrameRows(pd.DataFrame({"t": ["some words", None]})))
    with pytest.raises(NotFittedError):
        clone(preparation).transform(as_rows(TEXTS))


def test_equal_texts_have_one_key_however_they_come(fitted):
    preparation, rows = fitted
    series = Domain(pd.Series(TEXTS)).rows
    column = as_rows(datasets.Dataset.from_dict({"t": TEXTS}))
    assert column.column == "t"
    keys = preparation.transform(rows).keys
    for other in (series, column, FrameRows(pd.DataFrame({"t": TEXTS}))):
        assert (preparation.transform(other).keys == keys).all()
    assert len(np.unique(keys)) == len(TEXTS)


def test_other_parameters_are_another_preparation(fitted):
    """They make other numbers of the same words, all equally rare, or by the same encoder."""
    preparation, rows = fitted
    if isinstance(preparation, WordCounts):
        others = {"tf-idf": "counts", "counts": "tf-idf"}
        changed = clone(preparation).set_params(weights=others[preparation.weights])
        rows = as_rows(["red red apple", "apple apple red"])
        preparation = clone(preparation).fit(rows)
    else:
        changed = clone(preparation).set_params(max_tokens=6)
    assert not same(every(changed.fit(rows).transform(rows)), every(preparation.transform(rows)))
    assert changed.digest != preparation.digest
    assert clone(preparation).fit(rows).digest == preparation.digest


# --- a real case: what are functions of torch about, given those of scipy? ------------------------


@pytest.fixture(scope="module")
def functions():
    """Descriptions of functions on four topics: scipy's, of torch's four a topic, and the rest."""
    source, target = described("scipy"), described("torch")
    few = target.groupby("topic").sample(4, random_state=0).index
    return [
        Domain(part["text"], part["topic"])
        for part in (source.groupby("topic").head(40), target.loc[few], target.drop(few))
    ]


def test_transfer_over_words_beats_few_texts_alone_or_the_encoder_beats_words(functions, minilm):
    source, few, rest = functions
    scores = {}
    for name, prepare in {"words": None, "sentences": SentenceEncoding(model=minilm)}.items():
        for method in (SourceOnly, TargetOnly):
            model = method(prepare=prepare).fit(few, source=source)
            scores[name, method.__name__] = model.score(rest.rows, rest.y)
    assert scores["sentences", "SourceOnly"] > scores["words", "SourceOnly"] + 0.05, scores
    assert min(scores["words", "TargetOnly"], scores["sentences", "TargetOnly"]) > 0.6, scores


def test_a_linear_model_on_few_sentences_beats_one_on_their_words(minilm):
    texts = described("scipy").groupby("topic").head(40).reset_index(drop=True)
    rows, y = as_rows(texts["text"]), texts["topic"].to_numpy()
    right = []
    for kind in (WordCounts(), SentenceEncoding(model=minilm)):
        x = every(kind.fit(rows).transform(rows))
        for seed in range(4):
            few = texts.groupby("topic").sample(3, random_state=seed).index
            rest = np.setdiff1d(np.arange(len(y)), few)
            model = LogisticRegression(C=10).fit(x[few], y[few])
            right.append(model.score(x[rest], y[rest]))
    assert np.mean(right[4:]) > np.mean(right[:4]) + 0.05, right


def test_a_store_never_hands_over_a_source_model_of_other_numbers(functions, minilm, tmp_path):
    """After a fit on beginnings, one on whole texts is what it is in a store of its own."""
    source, few, rest = (part.subset(np.arange(0, part.n_rows, 4)) for part in functions)

    def fit(folder, most):
        with using(Store(tmp_path / folder)):
            prepare = SentenceEncoding(model=minilm, max_tokens=most)
            model = FineTune(recipe=SHORT, prepare=prepare).fit(few, source=source)
            return model.outputs(rest)

    beginnings, after = fit("one", 6), fit("one", 64)
    assert same(after, fit("another", 64))
    assert same(beginnings, fit("one", 6))


@pytest.mark.parametrize("kind", ["words", "sentences"])
def test_a_model_of_texts_is_saved_loaded_and_exported(functions, kind, request, tmp_path):
    source, few, rest = functions
    prepare = None if kind == "words" else SentenceEncoding(model=request.getfixturevalue("minilm"))
    model = FineTune(recipe=SHORT, prepare=prepare).fit(few, source=source)
    save(model, tmp_path / "model")
    loaded = load(tmp_path / "model")
    asked = rest.subset(np.arange(20))
    assert same(loaded.outputs(asked), model.outputs(asked))
    assert same(loaded.outputs(list(asked.rows.texts[:3])), model.outputs(asked)[:3])
    assert not [f for f in Path(tmp_path).rglob("*") if f.suffix in {".pkl", ".pt"}]
    assert export(loaded, tmp_path / "model.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    ready = every(model.prepare_.transform(asked.rows))
    (p,) = session.run(None, {"input": ready})
    np.testing.assert_allclose(p, model.predict_proba(asked), atol=1e-5)
    said = session.get_modelmeta().custom_metadata_map["input"]
    assert said.startswith("prepared rows (")
