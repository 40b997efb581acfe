"""Preprocessing of rows, fitted without labels on all domains."""
