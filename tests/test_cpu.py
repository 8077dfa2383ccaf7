"""Kernels for other CPUs than this one, and what is taken to be allowed there.

`lesser_cpus.py` calls every kind of kernel.
"""

import platform

import child
import pytest
from llvmlite import binding
from numba import config

from fastsample._kernels.compiler import cpu

on_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="it is about x86's features"
)

CALL = """
import numpy as np
import fastsample as fs
image = np.arange(240, dtype=np.{dtype})[None, None]
grid = np.arange(240, dtype=np.float32)[None, :, None] * np.float32(0.5)
want = grid[None, ..., 0].astype(image.dtype)
np.testing.assert_array_equal(fs.grid_sample(image, grid, coordinates="pixel"), want)
from fastsample._kernels.compiler.cpu import HARDWARE_GATHER
print(HARDWARE_GATHER)
"""

# As on a machine with AVX-512, for children whose Numba is told to leave it.
PRETEND = """
from llvmlite import binding
found = binding.get_host_cpu_features()
found.update({name: True for name in found if name.startswith("avx512")})
binding.get_host_cpu_features = lambda: type(found)(found)
"""

# What kernels emit for it, compiled and never called.
EMIT = """
import sys
from llvmlite import binding
from numba.core import codegen
CODE = '''
declare <16 x float> @llvm.x86.avx512.vpermi2var.ps.512(<16 x float>, <16 x i32>, <16 x float>)
define <16 x float> @permuted(<16 x float> %a, <16 x i32> %at, <16 x float> %b) {
  %c = call <16 x float> @llvm.x86.avx512.vpermi2var.ps.512(
    <16 x float> %a, <16 x i32> %at, <16 x float> %b)
  ret <16 x float> %c
}
'''
codegen.initialize_llvm()
target = binding.Target.from_triple(binding.get_process_triple())
for pair in sys.argv[1:]:
    name, features = pair.split("/")
    machine = target.create_target_machine(cpu=name, features=features)
    machine.emit_assembly(binding.parse_assembly(CODE))
"""


def fake(monkeypatch, *, host=(), name=None, features=None, avx=True):
    """A CPU with these features, and what Numba is told."""
    found = binding.get_host_cpu_features()
    found.update({key: key in host for key in found if key.startswith("avx512")})
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: type(found)(found))
    for key, value in {"CPU_NAME": name, "CPU_FEATURES": features, "ENABLE_AVX": avx}.items():
        monkeypatch.setattr(config, key, value)


LARGE = ("avx512f", "avx512vl", "avx512dq", "avx512bw", "avx512cd")
ALLOWED = {
    "the CPU's own": {"host": LARGE},
    "an older name beside the CPU's features": {"host": LARGE, "name": "x86-64-v2"},
    "named": {"features": "+avx512f"},
    "brought by another": {"name": "generic", "features": "-avx512f,+avx512vl"},
    "the name's": {"name": "skylake-avx512", "features": ""},
}
FORBIDDEN = {
    "a CPU without": {},
    "AVX off": {"host": LARGE, "avx": False},
    "a virtual machine's": {"host": LARGE, "name": "nocona", "avx": False},
    "generic": {"host": LARGE, "name": "generic", "features": ""},
    "taken back": {"host": LARGE, "features": "+avx512f,-avx512f"},
    "taken with another": {"host": LARGE, "features": "+avx512f,-avx2"},
    "not named": {"host": LARGE, "features": "+avx2,+fma"},
    "an older name alone": {"host": LARGE, "name": "x86-64-v3", "features": ""},
}


@on_x86
class TestAvx512:
    @pytest.mark.parametrize("case", ALLOWED)
    def test_allowed(self, case, monkeypatch):
        fake(monkeypatch, **ALLOWED[case])
        assert cpu.has_avx512()

    @pytest.mark.parametrize("case", FORBIDDEN)
    def test_forbidden(self, case, monkeypatch):
        fake(monkeypatch, **FORBIDDEN[case])
        assert not cpu.has_avx512()
        assert not cpu.hardware_gather_pays()

    def test_llvm_compiles_what_is_allowed(self, monkeypatch):
        pairs = []
        for case in ALLOWED.values():
            with monkeypatch.context() as patch:
                fake(patch, **case)
                pairs.append("/".join(cpu.target()))
        done = child.run(["-c", EMIT, *pairs])
        assert done.returncode == 0, done.stderr
        assert child.run(["-c", EMIT, "generic/"]).returncode, "this was to end the process"

    def test_widest_registers(self, monkeypatch):
        """What the command `info` says."""
        for expected, case in (
            ((128, "sse2"), FORBIDDEN["generic"]),
            ((256, "avx"), FORBIDDEN["an older name alone"]),
            ((512, "avx512f"), ALLOWED["named"]),
        ):
            with monkeypatch.context() as patch:
                fake(patch, **case)
                assert cpu.registers() == expected

    def test_float16_without_an_instruction(self, monkeypatch):
        fake(monkeypatch, name="x86-64-v2", features="")
        assert not cpu.has_halves()
        fake(monkeypatch, name="x86-64-v2", features="+f16c")
        assert cpu.has_halves()


@pytest.mark.compiled
class TestCalls:
    def test_generic(self, tmp_path):
        """NUMBA_CPU_NAME is how one compiles for the oldest machine of many."""
        source = CALL.format(dtype="float16")
        used = child.script(source, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_CPU_NAME="generic")
        assert used.strip() == "0"

    @on_x86
    def test_a_machine_with_avx512_whose_numba_leaves_it(self, tmp_path):
        source = PRETEND + CALL.format(dtype="float32")
        used = child.script(source, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_ENABLE_AVX="0")
        assert used.strip() == "0"
