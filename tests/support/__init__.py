"""What several tests stand on: scripted engines, small servers, tiny checkpoints."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The repository."""

DATA = ROOT / "tests" / "data"
"""Golden data: what models write, and what is read from it."""

EARLIER_VERSIONS = DATA / "earlier_versions"
"""Files and links that earlier versions of the program wrote, and that still open."""

PROGRAMS = Path(__file__).parent
"""Programs that tests start in a process of their own."""
