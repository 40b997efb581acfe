"""Data as they come: rows of any library, domains, descriptions of classes."""
