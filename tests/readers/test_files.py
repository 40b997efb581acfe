"""Files of strange kinds and names, and whatever decoders raise: one sentence each."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import socket
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image

from benchmarks.faults.mutate import FORMATS, mutate
from fourfold import read_classes, read_domain
from fourfold.errors import DataError, FileError, FourfoldError, FourfoldWarning
from fourfold.readers import files
from fourfold.readers.files import named
from fourfold.readers.vectors import WordVectors


def refused(path, kind=DataError, read=FORMATS["csv"].read) -> str:
    """Read a file that must be refused, and return the message, which is one short line."""
    with pytest.raises(kind) as caught:
        read(path)
    said = str(caught.value)
    assert len(said) < 300
    assert said.isprintable()
    assert files.short(path) in said or files.short(path.parent) in said
    return said


# --- whatever a decoder raises --------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 16. TiB"),
        RecursionError("maximum recursion depth exceeded"),
        OverflowError("int too large"),
        NotImplementedError("That compression method is not supported"),
        RuntimeError("File 'X.npy' is encrypted,\npassword required"),
        KeyError("index_columns"),
        TypeError("\x00" + "x" * 1000),
        SyntaxError("not a TIFF file"),
        struct.error("unpack requires a buffer of 4 bytes"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        pa.ArrowNotImplementedError("lists of unions"),
        OSError("image file is truncated"),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_of_a_library_is_one_sentence_with_the_file(tmp_path, error):
    def read(path):
        with named(path):
            raise error

    said = refused(tmp_path / ("long\n" * 60 + ".csv"), read=read)
    assert "must be whole and readable: replace or remove it; got: " in said
    assert said.rpartition("got: ")[2].strip()


def test_errors_of_the_system_are_file_errors_and_others_stay():
    with pytest.raises(FileError, match="a must be readable; got: Input/output error"), named("a"):
        raise OSError(5, "Input/output error")
    for error in (KeyboardInterrupt(), FileError("x"), FourfoldWarning("x")):
        with pytest.raises(type(error)) as caught, named("a"):
            raise error
        assert caught.value is error


def test_a_sentence_that_names_the_file_is_not_named_twice():
    with pytest.raises(DataError, match=r"^a\.csv must hold rows$"), named("a.csv"), named("a.csv"):
        raise DataError("a.csv must hold rows")


# --- what is no file ------------------------------------------------------------------------------


@pytest.fixture
def device(request, tmp_path, monkeypatch):
    """Return a function that makes a FIFO, a socket or a device of a name."""
    monkeypatch.chdir(tmp_path)  # the address of a socket is short

    def make(name):
        if request.param == "fifo":
            os.mkfifo(name)
        elif request.param == "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(name)
        else:
            Path(name).symlink_to("/dev/zero")
        return tmp_path / name

    return make


KINDS = pytest.mark.parametrize("device", ["fifo", "socket", "device"], indirect=True)


@KINDS
def test_devices_are_no_files_wherever_one_is_read(device, tmp_path):
    for i, ending in enumerate((".csv", ".csv.gz", ".jsonl", ".parquet", ".npz", ".npy")):
        assert "must be a file; got a FIFO" in refused(device(f"{i}{ending}"), FileError)
    for ending in (".csv", ".json", ".txt", ".parquet"):
        refused(device(f"classes{ending}"), FileError, read_classes)
    for ending in (".vec", ".vec.gz", ".npy"):
        refused(device(f"vectors{ending}"), FileError, WordVectors.open)
    np.save(tmp_path / "array.npy", np.eye(2))
    for ending in (".txt", ".csv", ".parquet"):
        words = device(f"words{ending}")
        with pytest.raises(FileError, match=rf"words\{ending} must be a file; got a FIFO"):
            WordVectors.open(tmp_path / "array.npy", words=words)


@KINDS
@pytest.mark.parametrize("name", ["a.png", "a.wav", "a.txt", "class"])
def test_nor_are_they_inside_folders(device, tmp_path, name):
    (tmp_path / "good.txt").write_text("a text")
    device(name)
    with pytest.raises(FileError, match=rf"{name} must be a file; got a FIFO"):
        read_domain(tmp_path)


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone.txt")
    with pytest.raises(FileError, match=r"a\.txt must be a file or a folder; there is none"):
        read_domain(tmp_path)


def test_a_picture_that_became_a_fifo_is_refused_when_it_is_decoded(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    rows = read_domain(tmp_path).rows
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    for read in (lambda: rows.take(np.array([0])), lambda: rows.keys):
        with pytest.raises(FileError, match=r"a\.png must be a file; got a FIFO"):
            read()


# --- files that ended in a traceback --------------------------------------------------------------


def archive(content: bytes, *, method: int = zipfile.ZIP_STORED, encrypted: bool = False) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        written.writestr("X.npy", content, min(method, 14))
        member = written.getinfo("X.npy")
        member.compress_type, member.flag_bits = method, int(encrypted)
    changed = bytearray(packed.getvalue())
    changed[6], changed[8] = int(encrypted), method  # of the header before the member
    return bytes(changed)


def saved(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_header(header: str, n: int = 100) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(n)


def torn_archive() -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, X=np.random.default_rng(0).normal(size=(40, 40)))
    torn = bytearray(packed.getvalue())
    torn[200:400] = bytes(200)
    return bytes(torn)


def dds() -> bytes:
    header = struct.pack("<4s7I44x", b"DDS ", 124, 0x1007, 8, 8, 0, 0, 0)
    return header + struct.pack("<II4s20x4I4x", 32, 4, b"ZZZZ", 0x1000, 0, 0, 0) + bytes(99)


def sound(kind: str, rate: int = 8000, n: int = 4000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-0.5, 0.5, n), rate, format=kind)
    return file.getvalue()


def flac_of(n: int) -> bytes:
    """Return a FLAC file whose header announces n samples."""
    content = bytearray(sound("FLAC"))
    content[21] = content[21] & 0xF0 | n >> 32
    content[22:26] = (n & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(content)


HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,)}"
CRASHES = {
    "zlib.npz": (torn_archive, "got: "),
    "lzma.npz": (lambda: archive(saved(np.eye(2)), method=14), "stored or deflated.* 14"),
    "unknown.npz": (lambda: archive(saved(np.eye(2)), method=99), "stored or deflated.* 99"),
    "encrypted.npz": (lambda: archive(saved(np.eye(2)), encrypted=True), "not encrypted"),
    "huge.npz": (lambda: archive(with_header(HUGE % "10**12")), "got: "),
    "terabytes.npz": (lambda: archive(with_header(HUGE % "2199023255552")), "X must be undamaged"),
    "terabytes.npy": (lambda: with_header(HUGE % "2199023255552, 2"), "its header says 351843720"),
    "token.npy": (lambda: with_header("{'descr': ('<f8', 'shape'"), "got: "),
    "objects.npy": (lambda: with_header(HUGE.replace("<f8", "|O") % "3"), "Python objects"),
    "deep.jsonl": (lambda: b'{"a": 1}\n{"a":' + b"[" * 20_000, "line 2 must hold cells"),
    "deep_lines.jsonl": (lambda: b'{"a":\n' * 20_000, "line 101 must hold cells"),
    "list_lines.jsonl": (lambda: b'{"a":\n' + b"[\n" * 20_000, "line 2 must be an object"),
    "null.jsonl": (lambda: b'null{"a": 1}\n', "line 1 must be an object.* got null"),
    "null2.jsonl": (lambda: b'{"a": 1}\n{"a": 1} null\n', "line 2 must be an object.* null"),
    "latin.jsonl": (lambda: b'{"caf\xe9": 1}\n', "must be UTF-8"),
    "latin2.jsonl": (lambda: b'{"a": "caf\xe9"}\n', "must be UTF-8"),
    "dds.png": (dds, "cannot identify"),
    "rate.wav": (lambda: sound("WAV", 1), "from 1000 to 768000 samples a second; got 1"),
    "rate2.wav": (lambda: sound("WAV", 2_000_000), "a second; got 2000000"),
    "huge.flac": (lambda: flac_of(2**36 - 1), "must fit into max_memory"),
    "short.flac": (lambda: flac_of(400_000), "got: "),
    "au.wav": (lambda: sound("AU"), "neither WAV nor AIFF, FLAC, Ogg or MP3"),
    "torn.aiff": (lambda: sound("AIFF")[:600], "less data than its header says"),
    "zip.npy": (lambda: archive(saved(np.eye(2))), "it holds arrays of NumPy: name it zip.npz"),
}


@pytest.mark.parametrize("name", list(CRASHES))
def test_a_file_that_ended_in_a_traceback_is_one_sentence(tmp_path, name):
    content, says = CRASHES[name]
    (tmp_path / name).write_bytes(content())
    said = refused(tmp_path / name)
    assert name in said
    assert re.search(says, said)


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"a": [1e999]}', '{"18446744073709551615": [1]}']
)
def test_so_are_descriptions(tmp_path, content):
    (tmp_path / "c.json").write_text(content)
    refused(tmp_path / "c.json", read=read_classes)


@pytest.mark.parametrize(
    "notes",
    [
        b"{", b"\xff", b"[]", b"{}", b"null", b'{"index_columns": 3}', b"[" * 100_000,
        b'{"index_columns": [{"kind": "range"}, null], "columns": 1, "column_indexes": [{}]}',
        b'{"index_columns": [], "columns": [{"name": 1, "numpy_type": "nothing"}]}',
    ],
)  # fmt: skip
def test_notes_of_pandas_in_parquet_change_nothing(tmp_path, notes):
    frame = pd.DataFrame({"n": [1, 2], "t": ["a", None], "d": pd.to_datetime(["2020-01-01"] * 2)})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    pq.write_table(table, good)
    pq.write_table(table.replace_schema_metadata({b"pandas": notes}), bad)
    pd.testing.assert_frame_equal(read_domain(good).rows.frame, read_domain(bad).rows.frame)
    assert read_domain(good).digest == read_domain(bad).digest


@pytest.mark.parametrize("index", [None, "id", ["id", None]])
def test_the_index_of_a_data_frame_is_no_column(tmp_path, index):
    names = index if isinstance(index, list) else [index]
    frame = pd.DataFrame({"n": [1, 2], "t": ["a", "b"]})
    frame.index = pd.MultiIndex.from_product([[5, 7], *[["x"]] * (len(names) - 1)], names=names)
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(read_domain(tmp_path / "a.parquet").rows.frame.columns) == ["n", "t"]


@pytest.mark.parametrize("name", list(FORMATS))
def test_mutated_files_are_read_or_refused_in_one_sentence(tmp_path, name, capfd):
    """Forked children with limits try many more: ``python -m benchmarks faults``."""
    form = FORMATS[name]
    samples = form.samples()
    for seed in range(20):
        path = tmp_path / f"x{form.ending}"
        path.write_bytes(mutate(samples[seed % len(samples)], np.random.default_rng(seed)))
        try:
            form.read(path)
        except FourfoldError as error:
            said = str(error)
            assert str(tmp_path) in said
            assert len(said) < 300
            assert said.isprintable()
    capfd.readouterr()  # the MP3 decoder says its own to stderr


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_samples_themselves_can_be_read(tmp_path, name):
    form = FORMATS[name]
    for content in form.samples():
        (tmp_path / f"x{form.ending}").write_bytes(content)
        form.read(tmp_path / f"x{form.ending}")


def test_gzipped_lines_keep_their_explanations(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps([1]).encode()))
    assert "line 1 must be an object" in refused(tmp_path / "a.jsonl.gz")
