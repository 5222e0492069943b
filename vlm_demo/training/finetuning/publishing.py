"""Uploads a trained model to the Hub."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from vlm_demo.errors import InputError, TrainingError

LEFT_OUT = ("training_args.bin", "checkpoints/*", "*.jsonl", "run.json", "*.pt", "*.pth")
"""Files that are not uploaded: pickles can hold programs, and the others name paths of this
machine."""

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def check_repository(repository: str) -> None:
    """Refuse what is no name of a repository, before a model is trained.

    Raises:
        InputError: it is none.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise InputError(
            "{name} is not a repository on the Hub. Give --push OWNER/NAME.",
            name=repr(repository),
        )


def push(folder: Path, repository: str) -> str:
    """Upload the folder of a model, to a private repository if there is none yet; return its URL.

    The key is that of `hf auth login`, or in HF_TOKEN.

    Raises:
        TrainingError: it cannot be uploaded; the model stays where it is.
    """
    api = HfApi()
    try:
        url = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            ignore_patterns=list(LEFT_OUT),
            commit_message="Upload a fine-tuned model",
        )
    except (HfHubHTTPError, LocalTokenNotFoundError, OSError) as error:
        raise TrainingError(
            "The model is in {folder}, but could not be uploaded to {repository}: {reason}. "
            "Log in with hf auth login, and upload it with: hf upload {repository} {folder}",
            folder=folder,
            repository=repository,
            reason=" ".join(str(error).split())[:300].rstrip("."),
        ) from error
    return str(url)
