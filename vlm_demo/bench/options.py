"""How much the benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """How much is measured. Another seed draws other weights, pictures and questions."""

    seed: int = 0
    repeats: int = 3  # of each comparison; each later turn of a chat is a repeat by itself
    turns: int = 8  # of a chat
    requests: int = 8  # at the same time
    new_tokens: int = 64  # of an answer
    threads: int = 1  # of the CPU, each side
    votes: int = 1_000_000  # in the database when more are cast
    postgresql: str = ""  # URL of an empty database
    vllm: str = ""  # Python of an environment in which vLLM is installed
    tiny: bool = False  # tiny models: to see whether it all works, not how fast
    only: frozenset[str] = field(default_factory=frozenset)  # ids of rows; none: all

    def wants(self, id: str) -> bool:
        """Whether this row should be measured."""
        return not self.only or id in self.only
