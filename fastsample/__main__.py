"""The commands: ``python -m fastsample --help`` lists them."""

import sys

from fastsample._cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
