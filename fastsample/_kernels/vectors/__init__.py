"""16 lanes in registers, and memory as kernels read and write it."""
