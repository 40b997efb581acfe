"""Promises of fourfold in numbers, measured beside peers: ``python -m benchmarks NAME``."""
