"""The page's features in a terminal: `python -m vlm_demo --help`."""

import io
import sys

from vlm_demo.cli import run

if __name__ == "__main__":
    # JSON is UTF-8 whatever the terminal's language; bytes that are not text stop nobody.
    for stream, errors in (
        (sys.stdin, "replace"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    sys.exit(run(sys.argv[1:]))
