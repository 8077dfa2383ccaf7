"""`python tests/fuzz` from the project's folder, or `python -m fuzz` from tests/."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # a folder that is run is itself the first place that Python looks for modules
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from fuzz.run import main

    sys.exit(main())
