"""The limit of memory: how it is written, how it is found, and what it refuses."""

from __future__ import annotations

import pytest

from fourfold.core import memory
from fourfold.core.memory import check_fits, max_memory, memory_limit
from fourfold.errors import DataError, ParameterError


@pytest.mark.parametrize(
    ("written", "size"),
    [(1000, 1000), ("1000", 1000), ("2k", 2048), ("1.5 G", 3 << 29), ("3MB", 3 << 20),
     ("4GiB", 4 << 30), ("1T", 1 << 40)],
)  # fmt: skip
def test_a_limit_is_bytes_or_a_number_with_a_unit(written, size):
    with max_memory(written) as limit:
        assert limit == memory_limit() == size


@pytest.mark.parametrize("written", ["", "G", "-1", "0", "1e9", "4X", "4G\n4G", 0, "9" * 99])
def test_other_limits_are_refused(written):
    with pytest.raises(ParameterError, match="max_memory must be a number of bytes"):
        max_memory(written).__enter__()


def test_a_limit_ends_with_its_block():
    before = memory._limit.get()
    with max_memory("1M"), max_memory("2M") as inner:
        assert inner == 2 << 20
    assert memory._limit.get() is before


def test_by_default_half_of_what_is_free_is_allowed_and_64_mb_always(monkeypatch):
    monkeypatch.setattr(memory, "_free", lambda: 10 << 30)
    assert memory_limit() == 5 << 30
    monkeypatch.setattr(memory, "_free", lambda: 0)
    check_fits(64 << 20, "it")
    with pytest.raises(DataError, match=r"^it must fit into max_memory; got about 67.1 MB where"):
        check_fits(1 + (64 << 20), "it")


def test_this_machine_has_something_free():
    assert 0 < memory._free() < 1 << 50


@pytest.mark.parametrize(
    ("root", "names"),
    [
        ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
        ("", ("memory.max", "memory.current", "inactive_file")),
    ],
)
def test_control_groups_of_both_versions_count_and_so_do_those_around(tmp_path, root, names):
    most, used, cached = names
    outer = tmp_path / root
    for place, limit, taken, cache in ((outer, "900", 600, 50), (outer / "a/b", "1000", 300, 100)):
        place.mkdir(parents=True, exist_ok=True)
        (place / most).write_text(f"{limit}\n")
        (place / used).write_text(f"{taken}\n")
        (place / "memory.stat").write_text(f"anon 5\n{cached} {cache}\n")
    assert sorted(memory._free_of_group(outer, "a/b")) == [350, 800]
    (outer / "a/b" / most).write_text("max\n")
    assert list(memory._free_of_group(outer, "a/b")) == [350]
