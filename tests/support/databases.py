"""Real databases for votes: SQLite files, and a PostgreSQL server that the tests start."""

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from vlm_demo.arena.votes.vote import Contender, Vote, Winner
from vlm_demo.values import Task


class PostgresServer:
    """A server for this machine only, with its own data; the user `postgres` needs no password.

    It refuses to run as root, so root runs it as the user that its package created.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.port = free_port()
        self.made = 0
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8")

    def start(self) -> None:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",  # the data need not survive a crash
        }
        flags = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._run("pg_ctl", "--wait", "-l", str(self.folder / "log"), "-o", flags, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def new_database(self) -> str:
        self.made += 1
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE votes{self.made}")
        return self.url(f"votes{self.made}")

    def drop(self, url: str) -> None:
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *flags: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *flags]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        with (self.folder / "output").open(
            "w+"
        ) as output:  # a pipe would stay open with the server
            done = subprocess.run(
                command, cwd=self.folder, stdout=output, stderr=output, timeout=60, check=False
            )
            output.seek(0)
            assert done.returncode == 0, output.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def postgres_programs() -> Path | None:
    """Return the folder of the server's programs, which Debian keeps off the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((found.parent for found in versions), default=None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("VLM_DEMO_FULL_TESTS") == "1":
            pytest.fail("PostgreSQL is needed for the tests of votes, and is not installed.")
        pytest.skip("PostgreSQL is not installed.")
    with running_server(programs) as server:
        yield server


@contextmanager
def running_server(programs: Path) -> Iterator[PostgresServer]:
    """Run a server in a folder that its user can reach, unlike those that pytest makes."""
    folder = Path(tempfile.mkdtemp(prefix="vlm-demo-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgresServer(programs, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Create a database."""
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the name of a file that does not exist yet."""
    return str(tmp_path / "votes.db")


@pytest.fixture(params=["sqlite", "postgres"])
def votes_url(request: pytest.FixtureRequest) -> str:
    """Create a database of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


MODELS = ("embedded-llava15", "embedded-kosmos2", "smolvlm", "qwen2.5-vl")
FIRST_VOTE = datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC)


def some_vote(battle: str, **changes: Any) -> Vote:
    """Return a vote with defaults for everything that is not given."""
    given: dict[str, Any] = {
        "a": Contender(model=MODELS[0], outputs=("A red disc.",)),
        "b": Contender(model=MODELS[1], outputs=("A disc on white.",)),
        "winner": Winner.A,
        "task": Task.CHAT,
        "category": "other",
        "parameters": {"max_new_tokens": 64, "temperature": 0.7},
        "began_at": FIRST_VOTE,
        "ended_at": FIRST_VOTE + timedelta(seconds=4),
        "voted_at": FIRST_VOTE + timedelta(seconds=9),
    }
    return Vote(battle=battle, **given | changes)


def random_votes(count: int, seed: int = 0) -> list[Vote]:
    """Return votes of ten people within some days, on few questions, so that many are equal."""
    draw = random.Random(seed)
    votes = []
    for number in range(count):
        a, b = draw.sample(MODELS, 2)
        question = draw.randrange(20)
        votes.append(
            some_vote(
                f"battle-{seed}-{number}",
                a=Contender(model=a, outputs=(f"one {number}",)),
                b=Contender(model=b, outputs=(f"two {number}",)),
                winner=draw.choice(list(Winner)),
                boxes=draw.choice([None, *Winner]),
                task=draw.choice([Task.CHAT, Task.GROUNDING]),
                language=draw.choice(["en", "ja"]),
                weight=draw.choice([1.0, 0.5]),
                prompt_hash=f"prompt-{question}",
                image_hash=f"picture-{question}",
                voter=f"voter-{draw.randrange(10)}",
                voted_at=FIRST_VOTE + timedelta(hours=number / 2),
            )
        )
    return votes
