"""What fourfold promises in numbers, measured beside its peers: ``python -m benchmarks NAME``."""
