"""The command line. Results go to standard output; progress, notes and errors do not."""

from vlm_demo.cli.main import main, run, run_page

__all__ = ["main", "run", "run_page"]
