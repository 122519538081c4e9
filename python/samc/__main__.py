"""The program `samc` that comes with the package: `samc ...` and `python -m samc ...`."""

import os
import sys


def main() -> None:
    # Not by samc.tools, which loads the compiler to do nothing with it.
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "samc")
    os.execv(program, ["samc", *sys.argv[1:]])


if __name__ == "__main__":
    main()
