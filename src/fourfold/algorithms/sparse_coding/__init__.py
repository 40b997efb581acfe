"""Sparse coding: codes of rows by the atoms of a dictionary, and dictionaries learnt from rows.

Solvers of ½‖x − aD‖² + λ‖a‖₁ over a and over D belong here.
"""

from __future__ import annotations

from fourfold.algorithms.sparse_coding.codes import SparseCodes, objective
from fourfold.algorithms.sparse_coding.dictionary import Dictionary, learn_dictionary
from fourfold.algorithms.sparse_coding.estimator import SparseCoder

__all__ = ["Dictionary", "SparseCoder", "SparseCodes", "learn_dictionary", "objective"]
