"""The report: one HTML page that works offline and tells a person whether transfer helped."""

from __future__ import annotations

from fourfold.report.page import write_report

__all__ = ["write_report"]
