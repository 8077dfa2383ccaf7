"""Speed, memory and start-up; see README.md beside this file.

asv installs the library of one commit after the other. The cases are always those of the tree that
this folder stands in, so that every commit runs the same ones.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

CASES = "fastsample._bench"

PLACE = Path(__file__).parents[1] / "fastsample" / "_bench" / "__init__.py"

if CASES not in sys.modules:
    spec = spec_from_file_location(CASES, PLACE)
    sys.modules[CASES] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[CASES])
