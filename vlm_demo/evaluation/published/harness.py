"""The command by which lmms-eval runs the same benchmark against this program's `/v1`."""

from __future__ import annotations

import shlex

from vlm_demo.errors import SettingsError
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark

ADDRESS = "http://127.0.0.1:7860/v1"
"""Where `vlm-demo serve --api` answers unless its options say otherwise."""

TIMEOUT_S = 120
"""Seconds that lmms-eval waits for an answer; it scores a late one as wrong after 10 otherwise."""


def lmms_eval_command(
    benchmark: PublishedBenchmark, model: str, *, address: str = ADDRESS, limit: int | None = None
) -> str:
    """Return the command line (lmms-eval 0.7).

    Raises:
        SettingsError: lmms-eval has no such benchmark.
    """
    if not benchmark.harness_task:
        raise SettingsError(f"lmms-eval has no benchmark like {benchmark.title}.")
    arguments = f"model={model},base_url={address},api_key=none,num_concurrent=4"
    command = [
        *("python", "-m", "lmms_eval", "--model", "openai"),
        *("--model_args", f"{arguments},timeout={TIMEOUT_S}"),
        *("--tasks", benchmark.harness_task, "--log_samples", "--output_path", "evaluations"),
    ]
    if limit is not None:
        command += ["--limit", str(limit)]
    return shlex.join(command)
