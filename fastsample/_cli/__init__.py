"""The commands of ``python -m fastsample``, one module each."""
