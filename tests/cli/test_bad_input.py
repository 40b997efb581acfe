"""Errors on the command line: one clear sentence and exit code 2, before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fourfold import DANN, Domain, FineTune, Recipe, Study, read_domain
from fourfold.bundle import save as save_model
from fourfold.errors import DataError, FileError, ParameterError
from fourfold.planner import locate

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((40, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
FEW = np.where(np.arange(40) < 20, Y, -1)


@pytest.fixture
def here(tmp_path):
    """A valid source and target, as arrays and as tables."""
    save(tmp_path / "source.npz", X, Y)
    save(tmp_path / "target.npz", X + 0.3, FEW)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.array(["no", "yes"])[Y])
    frame.to_csv(tmp_path / "source.csv", index=False)
    return tmp_path


@pytest.fixture
def study(fourfold, here, short):
    """Run a study of files in the folder."""

    def run(*options, source="source.npz", target="target.npz"):
        domains = ("--source", here / source, "--target", here / target)
        return fourfold("study", *domains, "-o", here / "out", *short, *options)

    return run


def save(file, X, y=None):
    np.savez(file, X=X, **({} if y is None else {"y": y}))


def with_cell(value):
    changed = X.copy()
    changed[3, 1] = value
    return changed


def begun(folder):
    return (folder / "out" / "runs").exists()


# --- files ----------------------------------------------------------------------------------------


def test_a_limit_of_memory_on_every_command_that_reads(fourfold, here):
    data = ("--source", here / "source.npz", "--target", here / "target.npz")
    model = FineTune(network="mlp", recipe=Recipe(steps=1)).fit(X, Y, source=Domain(X, Y))
    save_model(model, here / "model")
    commands = (
        ("map", *data),
        ("study", *data, "-o", here / "out"),
        ("predict", here / "model", here / "target.npz", "-o", here / "out.csv"),
    )
    for command in commands:
        told = fourfold(*command, "--max-memory", "600")
        told.refused("the array X must fit into --max-memory", "where 600 bytes are allowed")
        fourfold(*command, "--max-memory", "much").refused("--max-memory must be a number of bytes")
    assert fourfold("map", *data, "--max-memory", "1M").code == 0
    assert fourfold("export", here / "model", here / "a.onnx", "--max-memory", "1M").code == 0


def test_nothing_is_read_from_a_fifo(study, here):
    os.mkfifo(here / "pipe.csv")
    study("--label", "kind", source="source.csv", target="pipe.csv").refused("got a FIFO")
    study("--evaluate", here / "pipe.csv").refused("pipe.csv must be a file; got a FIFO")
    study("--classes", here / "pipe.csv").refused("pipe.csv must be a file; got a FIFO")
    words = ("--classes", here / "source.csv", "--vectors", here / "pipe.csv")
    study(*words).refused("pipe.csv must be a file; got a FIFO")
    assert not begun(here)


def test_a_missing_file(study, here):
    study(source="nowhere.npz").refused("nowhere.npz must be a file or a folder; there is none")
    with pytest.raises(FileError, match="must be a file or a folder; there is none"):
        read_domain(here / "nowhere.npz")


def test_a_label_column_in_no_file(study):
    said = study("--label", "sort", source="source.csv", target="source.csv")
    said.refused("'sort' must be in at least one of", "the columns are a, b, c, d, kind")


def test_a_file_of_no_known_kind(study, here):
    (here / "notes.txt").write_text("hello")
    study(target="notes.txt").refused("notes.txt: a file must end in one of .csv")


@pytest.mark.parametrize("kind", ["source.csv", "pictures"])
def test_files_of_two_kinds(study, here, kind):
    (here / "pictures").mkdir()
    Image.new("L", (8, 8)).save(here / "pictures" / "one.png")
    study(target=kind).refused("domains must be of one kind", "source.npz: array")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must have a header and at least one row"),
        (b"a,b,c,d,kind\n", "must have at least one row"),
        (b"a,b,c,d,kind\n1,2,3,4,yes\n1,2\n", "line 3 must have 5 cells, as the header has; got 2"),
        (b'a,b,c,d,kind\n1,"2,3,4,yes\n', "line 2 must have 5 cells"),
        ("a,b,c,d,kind\n1,2,3,4,öfter\n".encode("latin-1"), "must be UTF-8"),
        ("a,b,c,d,kind\n1,2,3,4,yes\n".encode("utf-16"), "must be UTF-8"),
        (b"a,b,c,c,kind\n1,2,3,4,yes\n", "column names must differ; got twice: c"),
        (b"a,b,c,e,kind\n1,2,3,4,yes\n", "must have the same columns"),
        (b"kind\nyes\n", "must have columns besides the label"),
    ],
)
def test_tables_that_cannot_be_read(study, here, content, words):
    (here / "bad.csv").write_bytes(content)
    said = study("--label", "kind", source="source.csv", target="bad.csv")
    said.refused("bad.csv", words)


def test_a_damaged_parquet_file(study, here):
    frame = pd.read_csv(here / "source.csv")
    frame.to_parquet(here / "cut.parquet")
    whole = (here / "cut.parquet").read_bytes()
    (here / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    study(source="source.csv", target="cut.parquet").refused(
        "cut.parquet must be whole and readable"
    )


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_a_truncated_picture(fourfold, here, share):
    folder = here / "pictures" / "round"
    folder.mkdir(parents=True)
    for name in ("whole", "cut"):
        noise = RANDOM.integers(256, size=(20, 20)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    content = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(content[: int(len(content) * share)])
    domains = ("--source", here / "pictures", "--target", here / "pictures")
    words = ("cut.png must be whole and readable: replace or remove it",)
    fourfold("map", *domains).refused(*words)
    with pytest.raises(DataError, match=words[0]):
        read_domain(here / "pictures").rows.take(np.arange(2))


def test_a_folder_without_pictures(study, here):
    (here / "empty").mkdir()
    study(target="empty").refused("empty must hold pictures, sounds or texts (.txt)")


def test_descriptions_that_name_a_class_twice(fourfold, here):
    (here / "classes.csv").write_text("name,size\nyes,1\nyes,2\n")
    domains = ("--source", here / "source.csv", "--target", here / "source.csv")
    said = fourfold("map", *domains, "--classes", here / "classes.csv")
    said.refused("classes.csv: each class must be named once; got 'yes' twice")


# --- rows and labels ------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("role", ["source", "target", "evaluate"])
def test_nan_and_infinity_in_arrays(study, here, value, word, role):
    save(here / "holes.npz", with_cell(value), Y)
    options = ("--evaluate", here / "holes.npz") if role == "evaluate" else ()
    said = study(*options, **({} if options else {role: "holes.npz"}))
    said.refused("holes: ", word, "must hold finite numbers; impute them first")
    assert not begun(here)
    with pytest.raises(ValueError, match=word):
        FineTune().fit(with_cell(value), Y, source=Domain(X, Y))


def test_infinity_in_a_table(study, here):
    frame = pd.read_csv(here / "source.csv")
    frame.loc[3, "b"] = np.inf
    frame.to_csv(here / "endless.csv", index=False)
    said = study("--label", "kind", source="source.csv", target="endless.csv")
    assert said.code == 0
    assert "! b: 1 of 80 cells are infinite and count as missing" in said.out


def test_zero_rows(study, here):
    save(here / "nothing.npz", X[:0], Y[:0])
    study(target="nothing.npz").refused("nothing.npz: inputs must have at least one row")
    with pytest.raises(DataError, match="at least one row"):
        Domain(X[:0])


def test_one_class_only(study, here):
    save(here / "same.npz", X, Y * 0)
    words = "labels of 'same' must be of at least two classes; got only 0"
    study(target="same.npz").refused(words)
    study(source="same.npz").refused(words)
    study("--evaluate", here / "same.npz").refused(words)
    assert not begun(here)
    with pytest.raises(DataError, match="at least two classes"):
        FineTune().fit(X, Y * 0, source=Domain(X, Y))


def test_labels_that_are_only_minus_one_and_one(study, here):
    save(here / "signs.npz", X, 2 * Y - 1)
    study(target="signs.npz").refused("signs.npz: ", "ambiguous", "say --missing-label=-1 if")
    with pytest.raises(DataError, match="say missing=-1 if"):
        Domain(X, 2 * Y - 1)
    assert Domain(X, 2 * Y - 1, missing=None).n_labelled == 40


def test_another_number_of_labels_than_rows(study, here):
    save(here / "fewer.npz", X, Y[:10])
    study(target="fewer.npz").refused("fewer.npz: ", "the same number of rows", "40 and 10")


def test_shapes_that_differ(study, here):
    save(here / "wide.npz", np.hstack([X, X]), Y)
    study(target="wide.npz").refused("must have one shape", "(4,)", "(8,)")
    study("--evaluate", here / "wide.npz").refused("must have one shape", "(4,)", "(8,)")
    with pytest.raises(DataError, match="4"):
        Study(Domain(X, Y), Domain(np.hstack([X, X]), Y), output=here / "out", progress=False)


def test_python_objects_in_arrays_are_not_run(study, here):
    save(here / "objects.npz", np.array([{}] * 40, object), Y)
    study(target="objects.npz").refused("objects.npz: the file must hold plain arrays")


def test_a_class_that_the_source_lacks(study, fourfold, here):
    three = np.where(np.arange(40) < 20, np.arange(40) % 3, -1)
    save(here / "three.npz", X, three)
    reason = "the source lacks classes of the target: 2"
    assert locate([Domain(X, Y)], Domain(X, three)).reasons["adaptation"] == reason
    domains = ("--source", here / "source.npz", "--target", here / "three.npz")
    assert reason in " ".join(fourfold("map", *domains).out.replace("DANN", "").split())
    study("--methods", "DANN", target="three.npz").refused("DANN does not", reason)
    with pytest.raises(ParameterError, match=reason):
        Study(Domain(X, Y), Domain(X, three), methods=[DANN()], output=here / "out")
    assert not begun(here)


def test_rows_to_evaluate_on_that_cannot_judge(study, here):
    save(here / "bare.npz", X)
    study("--evaluate", here / "bare.npz").refused("the rows to evaluate on must have labels")
    save(here / "others.npz", X, Y + 7)
    said = study("--evaluate", here / "others.npz")
    said.refused("each class of 'others', to evaluate on, must have an example in the source or")


def test_no_labels_at_all(study, here):
    save(here / "bare.npz", X)
    said = study(source="bare.npz", target="bare.npz")
    said.refused("--clusters must", "where nothing has labels")


def test_a_regression_with_three_target_labels_is_refused_before_training(study, here):
    save(here / "numbers.npz", X, X[:, 0] * 1.5)
    y = np.where(np.arange(len(X)) < 3, X[:, 0], np.nan)
    save(here / "few.npz", X, y)
    domains = {"source": "numbers.npz", "target": "few.npz"}
    study("--methods", "L2SP", **domains).refused("the target must have at least 4 labels")
    assert not begun(here)


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--methods", "Magic"), "--methods must be among AdaBN, CDAN, CORAL, DAN, DANN"),
        (("--methods", "Finetuning"), "such as FineTune; got 'Finetuning'"),
        (("--metric", "luck"), "--metric must be one of accuracy"),
        (("--metric", "r2"), "--metric must fit the labels"),
        (("--network", "brain"), "or a pretrained one, 'timm:NAME'"),
        (("--network", "convnet"), "a convnet must get rows of (C, H, W)"),
        (("--seeds", 0), "--seeds must be at least 1; got 0"),
        (("--folds", 1), "--folds must be at least 2; got 1"),
        (("--jobs", 0), "--jobs must be at least 1; got 0"),
        (("--threads", -2), "--threads must be at least 1; got -2"),
        (("--epochs", 0), "--epochs must be a whole number in [1, inf); got 0"),
        (("--steps", 0), "--steps must be a whole number in [1, inf)"),
        (("--seeds", "many"), "--seeds"),
        (("--quux",), "No such option: --quux; see fourfold --help"),
    ],
)
def test_options_out_of_bounds(study, here, options, words):
    study(*options).refused(words)
    assert not begun(here)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("learn",), "No such command 'learn'; see fourfold --help"),
        (("study",), "Missing option '-o' / '--output'; see fourfold --help"),
        (("map", "--source", "a.csv"), "--source and --target must be given together"),
        (("map", "--label", "y"), "--source and --target must be given together"),
        (("map", "--classes", "c.csv"), "got neither"),
        (("predict",), "see fourfold --help"),
    ],
)
def test_commands_that_are_none(fourfold, argv, words):
    fourfold(*argv).refused(words)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (DANN(lambda_=-1), r"lambda_ of DANN must lie in \[0, inf\); got -1"),
        (FineTune(decay=2.0), r"decay of FineTune must lie in \[0, 1\] or be None; got 2.0"),
        (FineTune(recipe=Recipe(epochs=0)), "epochs of Recipe must"),
    ],
)
def test_hyper_parameters_out_of_bounds_are_refused_before_training(here, method, words):
    with pytest.raises(ParameterError, match=words):
        Study(Domain(X, Y), Domain(X, FEW), methods=[method], output=here / "out")
    with pytest.raises(ParameterError, match=words):
        method.fit(X, FEW, source=Domain(X, Y))
    assert not begun(here)


# --- saved models ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["alcohol"], ("missing: ", "proline")),
        (["alcohol", "colour", "proline", "day"], ("missing: size",)),
    ],
)
def test_predicting_a_table_of_other_columns(fourfold, data, trained, tmp_path, columns, words):
    output, _ = trained
    pd.read_csv(data / "target.csv")[columns].to_csv(tmp_path / "other.csv", index=False)
    table = tmp_path / "p.csv"
    fourfold("predict", output / "best", tmp_path / "other.csv", "-o", table).refused(
        "other.csv: the table must have the columns", *words
    )
    assert not table.exists()


@pytest.mark.parametrize("other", ["target.npz", "flat-pictures"])
def test_predicting_another_kind_of_data(fourfold, data, trained, tmp_path, other):
    output, _ = trained
    said = fourfold("predict", output / "best", data / other, "-o", tmp_path / "p.csv")
    said.refused(f"{other}: ", "must be given a table")


def test_predicting_with_what_is_no_model(fourfold, data, trained, tmp_path):
    output, _ = trained
    for folder in (output, tmp_path / "nowhere"):
        said = fourfold("predict", folder, data / "target.csv", "-o", tmp_path / "p.csv")
        said.refused(f"{folder} must be")
        fourfold("export", folder, tmp_path / "m.onnx").refused(f"{folder} must be")


def test_outputs_that_cannot_be_written(fourfold, data, trained, tmp_path):
    best = trained[0] / "best"
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "p", tmp_path, Path("/proc/nowhere/p")):
        said = fourfold("predict", best, data / "target.csv", "-o", place)
        said.refused(f"{place} must be writable for predictions")
        fourfold("export", best, place).refused(f"{place} must be")
    assert (tmp_path / "file").read_text() == "in the way"
