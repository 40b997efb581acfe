"""Arrays and pictures whose labels, ranges or sizes differ: said, with what to type."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from PIL import Image

N = 48


def labels():
    """Labels of many forms by name."""
    g = np.random.default_rng(0)
    hot = np.eye(3)[g.integers(0, 3, N)]
    return {
        "hot": hot,
        "true": hot.astype(bool),
        "partly": np.where(np.arange(N)[:, None] < 20, hot, np.nan),
        "two": np.eye(2)[g.integers(0, 2, N)],
        "codes": g.integers(0, 3, N),
        "names": np.array(["a", "b", "c"])[g.integers(0, 3, N)],
        "answers": np.array(["yes", "no"])[g.integers(0, 2, N)],
        "several": g.integers(0, 2, (N, 3)),
        "amounts": g.normal(size=(N, 3)),
        "prices": g.normal(size=N),
        "none": None,
    }


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    g = np.random.default_rng(1)
    for name, y in labels().items():
        X = g.normal(size=(N, 4))
        np.savez(folder / f"{name}.npz", **({"X": X} if y is None else {"X": X, "y": y}))
    return folder


def shown(fourfold, *options):
    said = fourfold("map", *options)
    assert said.code == 0, said
    return " ".join(said.out.split())


def of(folder, source, target):
    return ("--source", folder / f"{source}.npz", "--target", folder / f"{target}.npz")


@pytest.mark.parametrize(
    ("source", "target"),
    [("hot", "hot"), ("hot", "codes"), ("codes", "true"), ("partly", "hot"), ("hot", "none")],
)
def test_one_hot_columns_are_classes_beside_class_numbers(fourfold, arrays, source, target):
    lines = shown(fourfold, *of(arrays, source, target))
    assert "label 3 classes, 0, 1, 2" in lines
    assert "! labels have one 1 in each of 3 columns: one-hot classes" in lines
    assert ("else --label-type yes-no" in lines) == ("codes" not in {source, target})


def test_one_hot_columns_are_answers_where_that_is_asked_for(fourfold, arrays):
    asked = ("--label-type", "yes-no")
    assert "3 answers of yes and no a row" in shown(fourfold, *of(arrays, "hot", "hot"), *asked)
    assert "3 numbers a row" in shown(
        fourfold, *of(arrays, "hot", "hot"), "--label-type", "numbers"
    )
    fourfold("map", *of(arrays, "hot", "codes"), *asked).refused("codes.npz' must be yes or no")


def test_rows_to_evaluate_on_are_read_as_the_others(fourfold, arrays, tmp_path):
    for judged in ("hot", "codes"):
        evaluate = ("--evaluate", tmp_path / f"{judged}.npz")
        np.savez(evaluate[1], X=np.random.default_rng(2).normal(size=(N, 4)), y=labels()[judged])
        assert "3 classes" in shown(fourfold, *of(arrays, "hot", "codes"), *evaluate)


@pytest.mark.parametrize("kind", [None, "classes", "numbers", "yes-no"])
def test_each_type_of_labels_ends_in_a_map_or_one_sentence(fourfold, arrays, kind):
    asked = ("--label-type", kind) if kind else ()
    for source, target in product(labels(), repeat=2):
        said = fourfold("map", *of(arrays, source, target), *asked)
        refused = "A study refuses" in said.out
        assert said.code == (2 if refused or said.err else 0), (source, target, said)
        assert said.err.count("\n") <= 1


@pytest.mark.parametrize("kind", ["classes", "numbers", "yes-no"])
@pytest.mark.parametrize("names", [("cat", "dog"), ("20", "35"), ("yes", "no")])
def test_folders_have_labels_of_a_type_too(fourfold, tmp_path, kind, names):
    for name in names:
        (tmp_path / "a" / name).mkdir(parents=True)
        for at in range(4):
            (tmp_path / "a" / name / f"{at}.txt").write_text(f"some words {at} of {name}", "utf-8")
    data = ("--source", tmp_path / "a", "--target", tmp_path / "a")
    fits = kind == "classes" or (kind, names[0]) in {("numbers", "20"), ("yes-no", "yes")}
    said = fourfold("map", *data, "--label-type", kind)
    if fits:
        assert said.code == 0, said
        assert "numbers from 20 to 35" in said.out or kind != "numbers"
    else:
        said.refused("labels of", "a' must be")


def test_pixels_of_another_scale_are_noted_and_layouts_named(fourfold, tmp_path):
    g = np.random.default_rng(0)
    for name, top in (("bytes", 255), ("floats", 1)):
        X = (g.random((N, 12, 12)) * top).astype("u1" if top > 1 else "f4")
        np.savez(tmp_path / f"{name}.npz", X=X, y=g.integers(0, 2, N))
    lines = shown(fourfold, *of(tmp_path, "bytes", "floats"))
    assert "arrays (n, 12, 12) as grey pictures of 12 × 12; 0 to 254 in bytes, " in lines
    assert "times as far in bytes as in floats: other units?" in lines
    assert "other units" not in shown(fourfold, *of(tmp_path, "floats", "floats"))


def test_features_of_another_scale_are_named_by_position(fourfold, tmp_path):
    g = np.random.default_rng(0)
    for name, factor in (("cm", 100.0), ("m", 1.0)):
        X = g.normal(size=(N, 5)) * [1, 1, factor, 1, 1]
        np.savez(tmp_path / f"{name}.npz", X=X, y=g.integers(0, 2, N))
    assert "Numbers at 2 (from 0) spread" in shown(fourfold, *of(tmp_path, "cm", "m"))


def test_sizes_and_spellings_of_pictures_are_said(fourfold, tmp_path):
    g = np.random.default_rng(0)
    for part, name in product("ab", ("cat", "Cat", "dog")):
        place = tmp_path / part / name
        place.mkdir(parents=True)
        for at in range(3):
            pixels = g.integers(0, 255, (10 + at, 14, 3), dtype="u1")
            Image.fromarray(pixels).save(place / f"{at}.png")
    lines = shown(fourfold, "--source", tmp_path / "a", "--target", tmp_path / "b")
    assert "pictures resized to 11×14; the files are 10×14 to 12×14" in lines
    assert "! 'Cat', 'cat' are different classes: are they one?" in lines


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.where(np.eye(N, 4) > 0, np.nan, 1.0), "odd: the input X contains NaN"),
        (np.where(np.eye(N, 4) > 0, np.inf, 1.0), "odd: the input X contains infinity"),
        (np.ones((N, 4)), "odd: rows must differ once they are prepared; got 48 equal ones"),
    ],
    ids=["missing", "endless", "equal"],
)
def test_rows_that_a_study_refuses_are_refused_by_the_map(fourfold, arrays, tmp_path, rows, words):
    np.savez(tmp_path / "odd.npz", X=rows, y=labels()["codes"])
    domains = ("--source", arrays / "codes.npz", "--target", tmp_path / "odd.npz")
    said = fourfold("map", *domains)
    assert said.code == 2
    assert f"A study refuses these data: {words}" in " ".join(said.out.split())
    fourfold("study", *domains, "-o", tmp_path / "out").refused(words)


def test_a_study_that_refuses_labels_shows_their_reading_and_remedy(fourfold, tmp_path):
    for name in "ab":
        lines = [f"{at % 7},{'None' if at % 2 else 'Full'}" for at in range(N)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,y", *lines]))
    files = ("--source", tmp_path / "a.csv", "--target", tmp_path / "b.csv", "--label", "y")
    said = fourfold("study", *files, "-o", tmp_path / "out")
    assert said.code == 2
    assert "! y: 48 labels 'None' are read as missing else --missing-label ''" in " ".join(
        said.out.split()
    )
    assert "at least two classes; got only 'Full'" in said.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--decimal", ","), "--decimal must stand beside tables, whose cells it reads"),
        (("--missing", "-9"), "--missing must stand beside tables, whose cells it reads"),
        (("--label-type", "transcripts"), "--label-type transcripts must stand beside sounds"),
    ],
)
def test_options_that_do_nothing_beside_arrays_are_refused(fourfold, arrays, options, words):
    fourfold("map", *of(arrays, "codes", "codes"), *options).refused(words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layout", "series"), "--layout must stand beside arrays (n, a, b)"),
        (("--label-type", "classes"), "must stand beside labels; got none"),
        (("--missing-label", "-1"), "must stand beside labels; got none"),
        (("--dates", "x"), "column 'x' must hold dates in a known form"),
    ],
)
def test_options_that_do_nothing_beside_a_table_are_refused(fourfold, tmp_path, options, words):
    (tmp_path / "a.csv").write_text("\n".join(["x,z", *(f"v{at % 3},{at % 7}" for at in range(N))]))
    path = tmp_path / "a.csv"
    fourfold("map", "--source", path, "--target", path, *options).refused(words)
