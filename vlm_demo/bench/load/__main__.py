"""Reads which load is wanted, and prints its verdict."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from vlm_demo.bench.load import bombs, chats, crowd
from vlm_demo.bench.load.page import serve_page


def main() -> int:
    """Run a load; return 0 if it passed."""
    parser = argparse.ArgumentParser(prog="python -m vlm_demo.bench.load", description=__doc__)
    parser.add_argument("load", choices=("chats", "crowd", "bombs"))
    parser.add_argument("--minutes", type=float, default=10.0, help="of the crowd, or of each bomb")
    parser.add_argument("--visitors", type=int, default=200, help="in the crowd")
    parser.add_argument("--pause", type=float, default=30.0, help="seconds between two questions")
    parser.add_argument("--chats", type=int, default=60, help="at once")
    parser.add_argument("--cancelled", type=int, default=24, help="of the chats")
    parser.add_argument("--threads", type=int, default=2, help="of the page")
    given = parser.parse_args()
    waiting = given.chats if given.load == "chats" else 20
    verdict: chats.ChatsVerdict | crowd.CrowdVerdict | bombs.BombsVerdict
    with serve_page(given.threads, waiting) as page:
        match given.load:
            case "chats":
                verdict = asyncio.run(chats.run(page, given.chats, given.cancelled))
            case "crowd":
                seconds = 60 * given.minutes
                verdict = asyncio.run(crowd.run(page, given.visitors, seconds, given.pause))
            case _:
                verdict = asyncio.run(bombs.run(page, 60 * given.minutes))
    print(json.dumps({"load": given.load, **asdict(verdict), "passed": verdict.passed}))
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
