"""Random calls of every public function in processes of their own; see fuzz/."""

from pathlib import Path

import child
import pytest

FUZZ = Path(__file__).with_name("fuzz")
COUNT = 5000


@pytest.mark.compiled
def test_random_calls():
    options = "--count", COUNT, "--pool", "small", "--processes", 1, "--batch", 2500
    done = child.run([FUZZ, *options, "--seed", 0])
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert f"\n{COUNT} passed, 0 failed\n" in done.stdout
