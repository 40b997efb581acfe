"""Hostile bundles are refused in one sentence; nothing runs, nobody is called, nothing waits."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.faults.hostile import HOSTILE, KINDS, make
from fourfold.data.descriptions import Descriptions
from fourfold.errors import FileError, FourfoldError
from fourfold.methods.saved import load
from fourfold.preparation.texts import encode_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 300


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good model of each kind, and what lies beside it."""
    pytest.importorskip("transformers")
    return {kind: make(kind, tmp_path_factory.mktemp(kind)).parent for kind in KINDS}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Names that were looked up and addresses that were called, of which there must be none."""
    called: list[Any] = []

    def call(*address: Any, **_: Any) -> None:
        called.append(address)
        raise OSError("nobody is there")

    for hub in ("huggingface_hub.constants.HF_HUB_OFFLINE", "transformers.utils.hub._is_offline"):
        monkeypatch.setattr(hub, False, raising=False)  # else hubs would not be called anyway
    monkeypatch.setattr(socket, "getaddrinfo", call)
    monkeypatch.setattr(socket.socket, "connect", call)
    yield called
    assert called == []


@pytest.fixture
def soon() -> Iterator[None]:
    """A load that waits for a pipe or reads a device ends the test."""

    def late(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("alone")
def test_a_good_model_loads(kind: str, good: dict[str, Path]) -> None:
    model = load(good[kind] / "bundle")
    assert model.classes_.tolist() == [0, 1]
    if kind == "texts":
        assert len(model.predict(["a good day", "so bad"])) == 2


@pytest.mark.usefixtures("alone")
def test_descriptions_of_new_classes_call_nobody() -> None:
    """A saved zero-shot model holds the name of the encoder that reads them."""
    described = Descriptions.of({"good": "a good day", "bad": "so bad"})
    with pytest.raises(FileError, match="only a fit downloads one"):
        encode_descriptions(described, "somebody/encoder")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("soon", "alone")
def test_a_hostile_one_is_refused(name: str, good: dict[str, Path], tmp_path: Path) -> None:
    if name.startswith("encoder"):
        from fourfold.preparation import sentences

        sentences.read_encoder.cache_clear()
    hostile = HOSTILE[name]
    place, mark = good[hostile.kind], tmp_path / "mark"
    kept = tmp_path / "kept"
    shutil.copytree(place, kept)
    try:
        hostile.spoil(place / "bundle", mark)
        with pytest.raises(FourfoldError) as caught:
            load(place / "bundle")
    finally:
        shutil.rmtree(place)
        shutil.copytree(kept, place)
    said = str(caught.value)
    assert hostile.says in said
    assert "\n" not in said
    assert len(said) < LONGEST, said
    assert not mark.exists()
    assert "payload" not in sys.modules
