"""Runs the same benchmark by lmms-eval against this program's `/v1`, or says how."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from vlm_demo.errors import SettingsError
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark

ADDRESS = "http://127.0.0.1:7860/v1"
"""Where `vlm-demo serve --api` answers unless its options say otherwise."""

TIMEOUT_S = 120
"""Seconds that lmms-eval waits for an answer; it scores a late one as wrong after 10 otherwise."""

FAILED = "[LMMS_EVAL_REQUEST_FAILED"
"""Beginning of the answer that lmms-eval 0.7 makes up for a request that failed."""


def lmms_eval_command(
    benchmark: PublishedBenchmark,
    model: str,
    *,
    address: str = ADDRESS,
    limit: int | None = None,
    python: str = "python",
    out: Path = Path("evaluations/lmms-eval"),
) -> list[str]:
    """Return the parts of the command line (lmms-eval 0.7).

    Args:
        benchmark: which one.
        model: name on the menu of the program that answers at the address.
        address: of its `/v1`.
        limit: how many questions; None: all.
        python: that has lmms-eval.
        out: folder of its results.

    Raises:
        SettingsError: lmms-eval has no such benchmark.
    """
    if not benchmark.harness_task:
        raise SettingsError(f"lmms-eval has no benchmark like {benchmark.title}.")
    arguments = f"model={model},base_url={address},api_key=none,num_concurrent=4"
    command = [
        *(python, "-m", "lmms_eval", "--model", "openai"),
        *("--model_args", f"{arguments},timeout={TIMEOUT_S}"),
        *("--tasks", benchmark.harness_task, "--log_samples", "--output_path", str(out)),
    ]
    if limit is not None:
        command += ["--limit", str(limit)]
    return command


def run_lmms_eval(command: Sequence[str], out: Path) -> int:
    """Run a command of `lmms_eval_command`; return how many of its requests failed.

    Args:
        command: for this program's own Python.
        out: folder of its results.

    Raises:
        SettingsError: lmms-eval is not installed here, or failed.
    """
    if find_spec("lmms_eval") is None:
        raise SettingsError(
            "lmms-eval is not installed beside this program. It needs older packages, so give it "
            f"an environment of its own, and run there: {shlex.join(['python', *command[1:]])}"
        )
    before = set(_list_samples(out))
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SettingsError(f"lmms-eval failed (exit status {code}); it says why above.")
    return sum(map(_count_failed, set(_list_samples(out)) - before))


def _list_samples(out: Path) -> list[Path]:
    return sorted(out.rglob("*samples*.jsonl"))


def _count_failed(path: Path) -> int:
    """Return how many answers of a file of samples are none: lmms-eval scores them as wrong."""
    with path.open(encoding="utf-8") as lines:
        return sum(FAILED in json.dumps(json.loads(line), ensure_ascii=False) for line in lines)
