"""How kernels are compiled and kept on disk, and what the CPU does well."""
