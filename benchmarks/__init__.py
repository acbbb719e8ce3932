"""Benchmarks run by hand (`./run bench`): ours beside peers on the same data; never timed tests."""
