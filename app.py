"""Start the page: `python app.py`, the same as `vlm-demo serve`. Also what a Space runs."""

import sys

from vlm_demo.cli import run_page

if __name__ == "__main__":
    sys.exit(run_page(sys.argv[1:]))
