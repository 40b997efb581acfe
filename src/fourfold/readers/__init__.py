"""Readers: files and folders become domains, one module a kind of data.

A new kind of file gets a module here; whatever is fitted to rows belongs to ``preparation``.
"""

from __future__ import annotations

from fourfold.readers.classes import read_classes
from fourfold.readers.domains import read_domain, read_domains, read_inputs

__all__ = ["read_classes", "read_domain", "read_domains", "read_inputs"]
