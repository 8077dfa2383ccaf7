"""PyTorch's threads, on which the main thread's calls run, too."""

import torch

from .._calls import threads


def share_threads() -> None:
    """Let calls run on PyTorch's threads where they are OpenMP's, which spin between its calls."""
    if "ATen parallel backend: OpenMP" in torch.__config__.parallel_info():
        torch.get_num_threads()  # which settles how many they are
        threads.join(torch._C.__file__)
