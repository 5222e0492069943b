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

ANSWER_TIMEOUT_S = 4.0
"""Seconds to wait for an answer of the Hub."""


def explain_fetch_failure(checkpoint: str, revision: str | None, error: Exception) -> LoadError:
    """Return an error that says what went wrong with the Hub, and what to do."""
    match error:
        case GatedRepoError():
            what = (
                f"{checkpoint} requires an agreement first. Please accept it on "
                f"{constants.ENDPOINT}/{checkpoint} and set HF_TOKEN."
            )
        case RepositoryNotFoundError():
            what = (
                f"There is no model {checkpoint} on the Hub, or it is private. Please check the "
                "name, or set HF_TOKEN."
            )
        case RevisionNotFoundError():
            what = f"{checkpoint} has no revision {revision!r}. Please correct the menu."
        case HfHubHTTPError() if error.response.status_code == 404:
            what = f"There is no model {checkpoint} on the Hub. Please check the name."
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            what = (
                f"The Hub denies access to {checkpoint}. Please check that HF_TOKEN is valid "
                "and may read it."
            )
        case httpx2.TimeoutException():
            what = (
                f"{urlsplit(constants.ENDPOINT).hostname} did not answer within "
                f"{ANSWER_TIMEOUT_S:g} seconds, so {checkpoint} could not be fetched. Please try "
                "again later, or choose another model."
            )
        case _:
            reason = " ".join(str(error).split("For more information")[0].split())
            what = f"{checkpoint} could not be fetched ({reason}). Please try again."
    return LoadError(what)
