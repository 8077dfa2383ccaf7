"""Random calls of every public function in processes of their own; see fuzz.py."""

from pathlib import Path

import child
import pytest

FUZZ = Path(__file__).with_name("fuzz.py")
COUNT = 5000


@pytest.mark.compiled
def test_random_calls():
    done = child.run([FUZZ, "--count", COUNT, "--seed", 0, "--batch", 1250, "--pool", "small"])
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert f"\n{COUNT} passed, 0 failed\n" in done.stdout
