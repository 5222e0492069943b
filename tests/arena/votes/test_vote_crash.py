"""The program is killed while many vote: acknowledged votes are there, once, in a valid chain.

`CRASH_SECONDS=60` makes each round that long; they are short otherwise.
"""

import os
import random
import select
import signal
import time
from contextlib import closing
from multiprocessing import Pipe

import pytest
from support import voters_to_kill
from support.programs_to_kill import begin

from vlm_demo.arena.votes.store import VoteStore

ROUNDS = 20
SECONDS = float(os.environ.get("CRASH_SECONDS", "0.3"))


def acknowledged_before_the_kill(url: str, name: str, seconds: float) -> dict[str, int]:
    """Let people vote for some time after the first vote; return battles and places."""
    reader, writer = Pipe(duplex=False)
    voters = begin(voters_to_kill.run, url, name, writer)
    writer.close()  # the voters have their own
    said = b""
    end = None
    while end is None or time.monotonic() < end:
        ready, _, _ = select.select([reader], [], [], 0.02)
        if ready:
            said += os.read(reader.fileno(), 1 << 16)
            assert said, "The voters could not begin."
            end = end or time.monotonic() + seconds
    voters.kill()
    voters.join(60)
    assert voters.exitcode == -signal.SIGKILL
    while rest := os.read(reader.fileno(), 1 << 16):
        said += rest
    reader.close()
    lines = [line.split() for line in said.decode().splitlines()]
    return {battle: int(seq) for battle, seq in lines}


@pytest.mark.timeout(300 + ROUNDS * 3 * SECONDS)
def test_no_acknowledged_vote_is_lost_or_counted_twice_when_the_program_is_killed(votes_url):
    draw = random.Random(5)
    acknowledged: dict[str, int] = {}
    with closing(VoteStore(votes_url)) as store:
        for number in range(ROUNDS):
            seconds = draw.uniform(0, 2 * SECONDS)
            acknowledged |= acknowledged_before_the_kill(votes_url, str(number), seconds)

            kept = [(vote.battle, seq) for seq, vote in store.read()]
            assert len(kept) == len(dict(kept))
            assert acknowledged.items() <= dict(kept).items()
            # One vote of each voter may have been written that nobody heard of any more.
            assert len(kept) <= len(acknowledged) + (number + 1) * 32
            assert [seq for _, seq in kept] == list(range(1, len(kept) + 1))
            assert store.verify() == []

        assert sum(cell.votes for cell in store.count_pairs()) == len(kept)
        assert store.head().seq == len(kept)
