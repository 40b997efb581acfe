"""Sentence vectors are those of sentence-transformers, cached and the same in any batch."""

from __future__ import annotations

import json
import pickle
import shutil
import sys

import numpy as np
import pytest

from fourfold.data.rows import as_rows
from fourfold.errors import BundleError, FileError, MissingExtraError, ParameterError
from fourfold.frozen.store import Store, using
from fourfold.preparation.choose import SentenceEncoding, load_preparation
from preparation_samples import TEXTS, every, same


@pytest.fixture(scope="module")
def sentences(minilm):
    from fourfold.preparation import sentences

    return sentences, sentences.load_encoder(minilm)


def test_vectors_are_those_of_sentence_transformers(minilm, sentences):
    module, _ = sentences
    sentence_transformers = pytest.importorskip("sentence_transformers")
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

    def counting(self, texts, max_tokens):
        written.append(len(texts))
        return real(self, texts, max_tokens)

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

    sentences.read_encoder.cache_clear()
    (copied / "vocab.txt").unlink(missing_ok=True)
    words = json.loads((copied / "tokenizer.json").read_text("utf-8"))
    words["model"]["vocab"]["matrix"], words["model"]["vocab"]["apple"] = (
        words["model"]["vocab"]["apple"],
        words["model"]["vocab"]["matrix"],
    )
    (copied / "tokenizer.json").write_text(json.dumps(words), "utf-8")
    with pytest.raises(BundleError, match="must be the one that the model was trained with"):
        load_preparation(saved)
    sentences.read_encoder.cache_clear()
    shutil.rmtree(copied)
    with pytest.raises(BundleError, match="a saved model needs its encoder: the sentence encoder"):
        load_preparation(saved)


def test_an_encoder_that_is_not_there_is_refused(minilm, tmp_path):
    del minilm  # it can be loaded; others can not be had offline
    with pytest.raises(FileError, match="'no-such-encoder' must be a folder that holds one"):
        SentenceEncoding(model="no-such-encoder").fit(as_rows(TEXTS))
    with pytest.raises((FileError, ParameterError), match=f"{tmp_path.name}' must be"):
        SentenceEncoding(model=str(tmp_path)).fit(as_rows(TEXTS))


def test_the_extra_is_named_where_it_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "fourfold.preparation.sentences", raising=False)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fourfold\[text\]'"):
        SentenceEncoding().fit(as_rows(TEXTS))
