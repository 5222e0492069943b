"""The command line. Results go to standard output; progress, notes and errors do not."""

from vlm_demo.cli.app import run

__all__ = ["run"]
