"""`python -m motionlift`, the form that `torchrun -m motionlift` needs."""

import sys

from motionlift.cli import main

if __name__ == "__main__":
    sys.exit(main())
