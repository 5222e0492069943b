"""A program in which many people vote at once, until it is killed: `voters_to_kill.py URL ROUND`.

For each acknowledged vote it writes a line with the battle and the position of the vote.
"""

import os
import sys
import threading

from support.databases import some_vote
from vlm_demo.arena.votes.store import VoteStore

VOTERS = 32


def vote(store: VoteStore, voter: str) -> None:
    number = 0
    while True:
        battle = f"{voter}-{number}"
        seq = store.add(some_vote(battle, voter=voter))
        os.write(1, f"{battle} {seq}\n".encode())  # whole or not at all
        number += 1


if __name__ == "__main__":
    shared = VoteStore(sys.argv[1])
    for voter in range(VOTERS):
        threading.Thread(target=vote, args=(shared, f"{sys.argv[2]}-{voter}")).start()
