"""Descriptions of classes on the command line: tables, and names with word vectors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import ESZSL, Domain, save
from fourfold.readers.vectors import WordVectors

RANDOM = np.random.default_rng(0)
WORDS = ["zero", "one", "two", "three"]
VECTORS = "".join(f"{word} {i} {i % 2} 1\n" for i, word in enumerate(WORDS))


@pytest.fixture
def here(tmp_path):
    """Labelled rows of two classes, unlabelled rows of two others, names and vectors for all."""
    np.savez(tmp_path / "source.npz", X=RANDOM.standard_normal((40, 4)), y=np.arange(40) % 2)
    np.savez(tmp_path / "target.npz", X=RANDOM.standard_normal((20, 4)))
    (tmp_path / "vectors.txt").write_text(VECTORS)
    lines = "".join(f"{i},{word}\n" for i, word in enumerate(WORDS))
    (tmp_path / "classes.csv").write_text("class,word\n" + lines)
    return tmp_path


@pytest.fixture
def shown(fourfold, here):
    def show(classes="classes.csv", vectors="vectors.txt"):
        domains = ("--source", here / "source.npz", "--target", here / "target.npz")
        given = ("--classes", here / classes) if classes else ()
        return fourfold(
            "map", *domains, *given, *(("--vectors", here / vectors) if vectors else ())
        )

    return show


def test_the_map_knows_classes_by_their_words(shown):
    said = shown()
    assert said.code == 2, said  # too few classes are seen for a study
    assert (
        "you →  zeroshot     yes      classes are described that have no examples: 2, 3" in said.out
    )
    assert "you →  zeroshot" not in shown(classes=None, vectors=None).out


def test_word_vectors_stand_beside_names(shown, fourfold, here):
    shown(classes=None).refused("--vectors must stand beside --classes")
    fourfold("map", "--task", "a=b", "--vectors", here / "vectors.txt").refused("--vectors")
    given = (here / "model", here / "target.npz", "-o", here / "out.csv")
    said = fourfold("predict", *given, "--vectors", here / "vectors.txt")
    said.refused("--vectors must stand beside --classes")


def test_broken_files_are_one_sentence_before_anything_starts(shown, here):
    (here / "bad.txt").write_text(VECTORS + "four 4 0\n")
    shown(vectors="bad.txt").refused("bad.txt: line 5 must have 3 numbers", "got 2")
    (here / "bad.txt").write_text("café 1 2 3\n", "latin-1")
    shown(vectors="bad.txt").refused("bad.txt: line 1 must be UTF-8", "got byte 0xe9")
    (here / "bad.csv").write_text("class,word\n0,zero\n1,eleven\n")
    shown(classes="bad.csv").refused("bad.csv: ", "none for 'eleven'")
    (here / "bad.csv").write_text("class,legs,wings\n0,4,0\n1,2\n")
    shown(classes="bad.csv", vectors=None).refused("bad.csv: line 3 must have 3 cells", "got 2")
    (here / "bad.json").write_text('{"0": [1, 2], "1": [3]}')
    shown(classes="bad.json", vectors=None).refused("bad.json: ", "one width")
    (here / "names.txt").write_text("0\n1\n")
    shown(classes="names.txt", vectors=None).refused("names.txt: ", "only names")
    (here / "names.txt").write_text("zero\none\n")
    shown(classes="names.txt").refused("names.txt: ", "whole numbers, like the labels; got 'zero'")


def test_a_study_refuses_them_before_it_begins(fourfold, here):
    (here / "bad.txt").write_text(VECTORS + "four 4 0\n")
    domains = ("--source", here / "source.npz", "--target", here / "target.npz")
    given = ("--classes", here / "classes.csv", "--vectors", here / "bad.txt")
    said = fourfold("study", *domains, *given, "-o", here / "out")
    said.refused("bad.txt: line 5 must have 3 numbers")
    assert not (here / "out").exists()


def test_a_model_takes_new_classes_by_their_words(fourfold, here):
    """Names of new classes are written as the model's are: words here, though they are numbers."""
    words = WordVectors([f"0{i}" for i in range(4)], np.eye(4) + 0.5)
    X = RANDOM.standard_normal((60, 4)).astype(np.float32)
    y = np.array(["00", "01", "02"])[X[:, :3].argmax(axis=1)]
    source = Domain(X, y, classes=words.describe(["00", "01", "02"]))
    target = Domain(X[:20], classes=words.describe(["01", "02"]))
    model = ESZSL().fit(target, source=source)
    save(model, here / "model")
    lines = "".join(f"{w} {' '.join(map(str, words[w].tolist()))}\n" for w in words.words)
    (here / "words.txt").write_text(lines)
    (here / "new.txt").write_text("03\n00\n")
    given = ("--classes", here / "new.txt", "--vectors", here / "words.txt")
    said = fourfold("predict", here / "model", here / "target.npz", "-o", here / "out.csv", *given)
    assert said.code == 0, said
    found = pd.read_csv(here / "out.csv", dtype=str)
    assert len(found) == 20
    assert set(found["prediction"]) <= {"03", "00"}
