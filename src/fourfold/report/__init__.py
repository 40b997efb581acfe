"""The report: one HTML page that works offline and tells its readers whether transfer helped.

Everything that only the page needs belongs here; whatever is computed belongs to ``study``.
"""

from __future__ import annotations

from fourfold.report.page import write_report

__all__ = ["write_report"]
