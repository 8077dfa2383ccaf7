"""What the CPU that Numba compiles for does well, as far as kernels ask."""

from pathlib import Path

from llvmlite import binding
from numba import config


def hardware_gather_pays():
    """Is one AVX-512 gather quicker than eight loads?

    Measured on cached planes, cycles a bilinear value: Sapphire Rapids 1.3 against 1.95; Zen 5
    takes 5 to 20 % less time a call. On Zen 4 the loads win two to one. Microcode against
    Downfall makes gathers many times slower.
    """
    name = config.CPU_NAME or binding.get_host_cpu_name()
    if not _has("avx512f") or name == "znver4":
        return False
    downfall = Path("/sys/devices/system/cpu/vulnerabilities/gather_data_sampling")
    try:
        return "Microcode" not in downfall.read_text()
    except OSError:
        return True


def _has(feature):
    """Whether Numba may use a feature: NUMBA_CPU_FEATURES and NUMBA_CPU_NAME rule."""
    if config.CPU_FEATURES is not None:
        return f"+{feature}" in config.CPU_FEATURES.split(",")
    return binding.get_host_cpu_features().get(feature, False)


HARDWARE_GATHER = int(hardware_gather_pays())
PERMUTE = int(_has("avx512f"))  # 16 of 32 floats in any order by one instruction
