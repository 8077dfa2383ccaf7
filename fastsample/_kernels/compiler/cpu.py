"""What Numba may use of the CPU, and what that does well, as far as kernels ask.

Numba compiles for a name and a list of features that need not be the CPU's own: `NUMBA_CPU_NAME`,
`NUMBA_CPU_FEATURES` and `NUMBA_ENABLE_AVX` rule, and on virtual machines Numba itself leaves some
out. An instruction beyond them ends the process. What a list comes to only LLVM knows, as one
feature brings others and takes them away; so where it is not simply the CPU's, LLVM is asked.
"""

import functools
from pathlib import Path

from llvmlite import binding

from .settings import setting

_PROBE = """
define <16 x float> @sums(<16 x float> %x, <16 x float> %y) {
  %sum = fadd <16 x float> %x, %y
  ret <16 x float> %sum
}
define <16 x float> @halves(<16 x i16> %x) {
  %half = bitcast <16 x i16> %x to <16 x half>
  %wide = fpext <16 x half> %half to <16 x float>
  ret <16 x float> %wide
}
"""
# Registers as LLVM writes them, the widest first: their bits, and the feature that brings them.
_REGISTERS = {
    "%zmm": (512, "avx512f"),
    "%ymm": (256, "avx"),
    "%xmm": (128, "sse2"),
    ".4s": (128, "neon"),
}


def target():
    """The name and the features that Numba gives to LLVM."""
    name, features = setting("CPU_NAME"), setting("CPU_FEATURES")
    return (
        binding.get_host_cpu_name() if name is None else name,
        _hosts_features() if features is None else features,
    )


def _hosts_features():
    """The host's, without what Numba leaves out."""
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM can't tell
        return ""
    if not setting("ENABLE_AVX"):
        features.update({one: False for one in features if one.startswith("avx")})
    return features.flatten()


@functools.cache
def assembly(name, features):
    """What LLVM makes of `_PROBE` for a CPU."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    llvm = binding.Target.from_triple(binding.get_process_triple())
    machine = llvm.create_target_machine(cpu=name, features=features)
    return machine.emit_assembly(binding.parse_assembly(_PROBE))


def registers():
    """The widest registers of floats: (bits, the feature that brings them), or None."""
    code = assembly(*target())
    return next((found for sign, found in _REGISTERS.items() if sign in code), None)


def has_avx512():
    """May kernels use instructions of AVX-512 on registers of 512 bits?"""
    if _is_the_hosts():
        return _host_has("avx512f")
    return registers() == _REGISTERS["%zmm"]


def has_halves():
    """Does the CPU convert float16 itself? Else LLVM calls functions that are not there."""
    if _is_the_hosts() and _host_has("f16c"):
        return True
    code = assembly(*target())
    return "__extendhf" not in code and "__gnu_h2f" not in code


def hardware_gather_pays():
    """Is one AVX-512 gather quicker than eight loads?

    Measured on cached planes, cycles a bilinear value: Sapphire Rapids 1.3 against 1.95; Zen 5
    takes 5 to 20 % less time a call. On Zen 4 the loads win two to one. Microcode against
    Downfall makes gathers many times slower.
    """
    if not has_avx512() or "znver4" in (target()[0], binding.get_host_cpu_name()):
        return False
    downfall = Path("/sys/devices/system/cpu/vulnerabilities/gather_data_sampling")
    try:
        return "Microcode" not in downfall.read_text()
    except OSError:
        return True


def _is_the_hosts():
    """Does Numba compile for the CPU as it is? Asking LLVM takes milliseconds of an import."""
    return setting("CPU_NAME") is setting("CPU_FEATURES") is None and bool(setting("ENABLE_AVX"))


def _host_has(feature):
    try:
        return bool(binding.get_host_cpu_features().get(feature))
    except RuntimeError:  # LLVM can't tell
        return False


def splits_registers():
    """Does the CPU compute on registers of 256 bits as on two of 128?

    Then what changes places between the two halves takes several steps.
    """
    return target()[0] in ("znver1", "btver2") or target()[0].startswith("bdver")


HARDWARE_GATHER = int(hardware_gather_pays())
PERMUTE = int(has_avx512())  # 16 of 32 floats in any order by one instruction
HALVED = int(splits_registers())
