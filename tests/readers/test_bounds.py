"""Bounds before allocation: what files say and unpack to is compared with a limit of memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import bombs
from benchmarks.harness import ROOT
from fourfold import read_classes, read_domain, read_domains
from fourfold.core.memory import max_memory
from fourfold.errors import DataError
from fourfold.readers import json_lines
from fourfold.readers.media import decoded
from fourfold.readers.media.threads import in_threads, taking

SPARE = 150 << 20
"""Bytes that blocks of the decoders take beside the limit."""


@pytest.fixture(scope="module")
def exploded(tmp_path_factory):
    """What reading each bomb ended with, and how far the process grew, in one child."""
    folder = tmp_path_factory.mktemp("bombs")
    for name, make in bombs.BOMBS.items():
        (folder / name.replace(".", "_")).mkdir()
        (folder / name.replace(".", "_") / name).write_bytes(make())
    program = [sys.executable, "-W", "ignore", bombs.__file__, str(folder)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(program, capture_output=True, check=True, text=True, env=paths)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", list(bombs.BOMBS))
def test_a_small_file_that_needs_much_is_refused_before_it_takes_it(exploded, name):
    said, grown = exploded[name]
    what = "must (fit into max_memory|be shorter than|differ|have cells in its|not be compressed)"
    assert re.search(what, said)
    assert len(said) < 300
    assert grown < bombs.LIMIT + SPARE


def test_what_fits_is_read(tmp_path):
    for name, path in write_tables(tmp_path).items():
        with max_memory("2M"):
            assert read_domain(path).n_rows == 100, name
        with max_memory(1000), pytest.raises(DataError, match=rf"{name}: .* max_memory"):
            read_domain(path)


def write_tables(folder):
    frame = pd.DataFrame({"a": np.arange(100) % 7, "t": ["text", "more"] * 50})
    paths = {name: folder / name for name in ("a.csv", "a.csv.gz", "a.jsonl", "a.parquet", "a.npz")}
    frame.to_csv(paths["a.csv"], index=False)
    frame.to_csv(paths["a.csv.gz"], index=False)
    frame.to_json(paths["a.jsonl"], orient="records", lines=True)
    frame.to_parquet(paths["a.parquet"])
    np.savez(paths["a.npz"], X=np.zeros((100, 20)))
    return paths


def test_repeated_texts_are_unpacked_if_they_fit(tmp_path):
    texts = ["a" * 5000, "b", None] * 100
    pd.DataFrame({"t": texts, "n": range(300)}).to_parquet(
        tmp_path / "a.parquet", row_group_size=99
    )
    plain = read_domain(tmp_path / "a.parquet").rows.frame
    with max_memory("1500K"):
        packed = read_domain(tmp_path / "a.parquet").rows.frame
    pd.testing.assert_frame_equal(plain, packed)
    with max_memory("900K"), pytest.raises(DataError, match="must fit into max_memory"):
        read_domain(tmp_path / "a.parquet")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_very_many_columns_are_refused_at_once(tmp_path, ending):
    names = [f"c{i}" for i in range(20_001)]
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        path.write_text(",".join(names) + "\n" + "1," * 20_000 + "1\n")
    elif ending == "jsonl":
        path.write_text(json.dumps(dict.fromkeys(names, 1)) + "\n")
    else:
        pq.write_table(pa.table([[1]] * len(names), names), path)
    with pytest.raises(DataError, match=r"at most 20000 columns; got 20001: .* SciPy matrix"):
        read_domain(path)


def test_quoted_names_are_counted_as_they_are_read(tmp_path):
    names = ['"a,' + "," * 30_000 + 'b\nc"', "d"]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n1,2\n")
    assert read_domain(tmp_path / "a.csv").rows.shape == (2,)


@pytest.mark.parametrize("block", [40, 1 << 20])
def test_brackets_and_words_in_texts_are_no_structure(tmp_path, monkeypatch, block):
    monkeypatch.setattr(json_lines, "BLOCK", block)
    texts = ["[" * 300, "} null", '"}\\', "a: {", "]]"] * 3
    lines = [json.dumps({"t": text, "n": i}) for i, text in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\ufeff" + "\n\n \n".join(lines))
    frame = read_domain(tmp_path / "a.jsonl").rows.frame
    assert (frame["t"].tolist(), frame["n"].tolist()) == (texts, list(range(len(texts))))


def test_decoders_take_turns():
    """Together they stay under the limit, and one that needs more than it goes alone."""
    held, most = [], []

    def work(at):
        with taking(needs[at], 100):
            held.append(needs[at])
            most.append(sum(held))
            time.sleep(0.001)
            held.remove(needs[at])

    needs = [30, 60, 90, 10, 250] * 8
    assert len(list(in_threads(work, range(len(needs))))) == 40
    assert max(sum_ for sum_ in most if sum_ != 250) <= 100


def test_pictures_of_one_large_size_are_decoded_in_small_steps(tmp_path, monkeypatch):
    for i in range(3):
        Image.new("L", (700, 700), i).save(tmp_path / f"{i}.png")
    with max_memory("13M"):
        rows = read_domain(tmp_path).rows
    monkeypatch.setattr(decoded, "STEP_BYTES", 500_000)
    with max_memory("1M"):
        assert rows.take(np.array([2])).max() == 2
        with pytest.raises(DataError, match=r"3 rows of shape \(700, 700, 1\) must fit into"):
            rows.take(np.arange(3))
    with max_memory("11M"), pytest.raises(DataError, match=r"2\.png.*, decoded, must fit"):
        read_domain(tmp_path)


def test_attributes_that_few_classes_have_are_not_spread_over_all(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({f"c{i}": {f"a{i}": 1, f"b{i}": 2} for i in range(3000)}))
    with max_memory("200M"), pytest.raises(DataError, match=r"attributes of all classes must fit"):
        read_classes(path)
    path.write_text(json.dumps({"c": {f"a{i}": 1 for i in range(20_001)}}))
    with pytest.raises(DataError, match="at most 20000 columns"):
        read_classes(path)


def test_lists_of_columns_in_messages_are_short(tmp_path):
    names = [f"a column with a long name, number {i}" for i in range(1000)]
    for name, columns in (("a.csv", names), ("b.csv", names[::-1][:-1])):
        pd.DataFrame([[1] * len(columns)], columns=columns).to_csv(tmp_path / name, index=False)
    for label in (None, "label"):
        with pytest.raises(DataError) as caught:
            read_domains([tmp_path / "a.csv", tmp_path / "b.csv"], label=label)
        assert len(str(caught.value)) < 300
