"""A program in which many people vote at once, until it is killed.

For each acknowledged vote it writes a line with the battle and the position of the vote.
"""

import os
import threading
from multiprocessing.connection import Connection

from support.databases import some_vote
from vlm_demo.arena.votes.store import VoteStore

VOTERS = 32


def run(url: str, name: str, acknowledgements: Connection) -> None:
    """Let people vote, whose names begin with `name`, until the process is killed."""
    store = VoteStore(url)
    for voter in range(VOTERS):
        threading.Thread(target=_vote, args=(store, f"{name}-{voter}", acknowledgements)).start()
    threading.Event().wait()


def _vote(store: VoteStore, voter: str, acknowledgements: Connection) -> None:
    number = 0
    while True:
        battle = f"{voter}-{number}"
        seq = store.add(some_vote(battle, voter=voter))
        # Whole or not at all.
        os.write(acknowledgements.fileno(), f"{battle} {seq}\n".encode())
        number += 1
