"""What this CPU does well, as far as kernels ask."""

from pathlib import Path

from llvmlite import binding


def hardware_gather_pays():
    """Is one AVX-512 gather quicker than eight loads?

    Measured on cached planes, cycles a bilinear value: Sapphire Rapids 1.3 against 1.95; on Zen 4
    the loads win two to one. Microcode against Downfall makes gathers many times slower.
    """
    features, name = binding.get_host_cpu_features(), binding.get_host_cpu_name()
    if not features.get("avx512f") or name.startswith("znver"):
        return False
    downfall = Path("/sys/devices/system/cpu/vulnerabilities/gather_data_sampling")
    try:
        return "Microcode" not in downfall.read_text()
    except OSError:
        return True


HARDWARE_GATHER = int(hardware_gather_pays())
