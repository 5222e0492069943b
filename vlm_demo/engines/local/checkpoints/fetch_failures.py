"""Says what went wrong when a checkpoint could not be fetched."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2  # the Hub client's own: it lets these errors through
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from vlm_demo.errors import LoadError
from vlm_demo.translatable_text import message

ANSWER_TIMEOUT_S = 4.0
"""Seconds to wait for an answer of the Hub."""


def explain_fetch_failure(checkpoint: str, revision: str | None, error: Exception) -> LoadError:
    """Return an error that says what went wrong with the Hub, and what to do."""
    match error:
        case GatedRepoError():
            template = message("{name} is gated. Accept its terms at {address} and set HF_TOKEN.")
        case RepositoryNotFoundError():
            template = message(
                "There is no model {name} on the Hub, or it is private. Check the name, or set "
                "HF_TOKEN."
            )
        case RevisionNotFoundError():
            template = message("{name} has no revision {revision}. Correct the menu.")
        case HfHubHTTPError() if error.response.status_code == 404:
            template = message("There is no model {name} on the Hub. Check the name.")
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            template = message(
                "The Hub denies access to {name}. Check that HF_TOKEN is valid and may read it."
            )
        case httpx2.TimeoutException():
            template = message(
                "{host} did not answer within {seconds} seconds, so {name} could not be "
                "downloaded. Try again later, or choose another model."
            )
        case _:
            template = message("{name} could not be downloaded ({reason}). Try again.")
    return LoadError(
        template,
        name=checkpoint,
        address=f"{constants.ENDPOINT}/{checkpoint}",
        revision=repr(revision),
        host=urlsplit(constants.ENDPOINT).hostname,
        seconds=f"{ANSWER_TIMEOUT_S:g}",
        reason=" ".join(str(error).split("For more information")[0].split()),
    )
