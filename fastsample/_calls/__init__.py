"""From a user's arguments to a call of kernels: checks, arrays, axes, work, and back."""
