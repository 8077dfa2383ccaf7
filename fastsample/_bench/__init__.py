"""Races between libraries: what `python -m fastsample bench` runs and what `benchmarks/` measures.

It stands above the public functions, beside the commands; nothing of the library imports it.
"""
