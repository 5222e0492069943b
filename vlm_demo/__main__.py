"""The program as a module: `python -m vlm_demo`, the same as `vlm-demo`."""

import sys
from pathlib import Path

if not __package__:  # `python vlm_demo`: Python then looks for modules inside of the package
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from vlm_demo.cli import main

if __name__ == "__main__":
    main()
