"""The calls of the model panel: the menu, loading and unloading, adding models and servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.own_code import list_files
from vlm_demo.catalog.server_menu import guess_family, is_server_address, server_specs
from vlm_demo.engines import (
    NumberFormat,
    Progress,
    ServerListing,
    find_local_servers,
    list_server_models,
)
from vlm_demo.errors import InputError, ServerError, UntrustedCodeError
from vlm_demo.families import all_families, get_family
from vlm_demo.server.operators import is_operator, require_operator
from vlm_demo.settings import Settings
from vlm_demo.ui.calls import add_call, explain_errors
from vlm_demo.ui.components.model_card import STAGES
from vlm_demo.ui.events import MAX_ANSWERS
from vlm_demo.ui.streaming import error_message
from vlm_demo.ui.studio.answering.events import text_data
from vlm_demo.ui.studio.calls.base import MAX_CALLS
from vlm_demo.ui.studio.calls.models import list_models, model_info
from vlm_demo.ui.visitors import comes_from_here, read_owner

MAX_QUESTIONS = 64
"""Number of open questions about program code that are remembered; older ones are asked again."""


@dataclass(frozen=True)
class ModelCalls:
    """The calls as methods, whose names are those of the API."""

    backend: Backend
    settings: Settings
    questions: dict[tuple[str, str, str], None] = field(default_factory=dict)
    """(visitor, checkpoint, revision) of program code that a visitor was asked about."""

    def studio_models(self) -> dict[str, Any]:
        """Return the menu as it is now, with what fits into the memory that is free now."""
        return explain_errors(lambda: {"models": list_models(self.backend, measure=True)})

    def studio_load(
        self, name: str, number_format: str, request: gr.Request
    ) -> Iterator[dict[str, Any]]:
        """Load a model; yield how far it has come, and at last that it is loaded or why it is not.

        Loading goes on when the stream is closed: others may wait for it.

        Args:
            name: of the model.
            number_format: to load it in; "": the one that it has, or the menu's.
            request: who asks.
        """
        yield {"stage": text_data(STAGES["loading"]), "share": None}
        try:
            wanted = _read_format(str(number_format))
            if wanted or not self.backend.can_answer_without_fetching(str(name)):
                require_operator(request)
            with closing(self.backend.load(str(name), wanted)) as steps:
                for progress in steps:
                    yield _step(progress)
        except Exception as error:  # whatever it is, the visitor is told
            yield {"error": text_data(error_message(error))}
        else:
            yield {"loaded": True}

    def studio_unload(self, name: str, request: gr.Request) -> dict[str, Any]:
        """Free the memory of a model, unless it is answering."""

        def unload() -> dict[str, Any]:
            require_operator(request)
            self.backend.unload(str(name))
            return {"loaded": False}

        return explain_errors(unload)

    def studio_add_model(
        self, checkpoint: str, trusted_revision: str, request: gr.Request
    ) -> dict[str, Any]:
        """Put a checkpoint on the menu.

        Args:
            checkpoint: its Hub id or folder.
            trusted_revision: of program code that the visitor was asked about in an earlier call
                and trusts; "": none.
            request: who asks.

        Returns:
            `{model}`, or `{question}` about program code that it needs: its checkpoint, revision
            and the names of its files.
        """

        def add() -> dict[str, Any]:
            name, owner = str(checkpoint).strip(), read_owner(request)
            self._require_permission(request)
            if not name:
                raise InputError("Enter the Hub ID or the folder of a checkpoint.")
            if is_server_address(name):
                raise InputError("This is the address of a server. Add it as a server.")
            if trusted_revision:
                self._require_consent(owner, name, str(trusted_revision), request)
            try:
                spec = self.backend.add_checkpoint(name, trusted_revision=str(trusted_revision))
            except UntrustedCodeError as error:
                if not self._may_trust(request):
                    raise
                return {"question": self._ask(owner, name, error)}
            return {"model": model_info(self.backend, spec, None)}

        return explain_errors(add)

    def studio_list_server(self, address: str, key: str, request: gr.Request) -> dict[str, Any]:
        """Return the models that servers offer, and the families they can be asked as.

        Args:
            address: of a server; "": those at their usual ports on this computer.
            key: of the server; "": none.
            request: who asks.
        """

        def list_offers() -> dict[str, Any]:
            self._require_owner(request)
            listings = _read_listings(str(address).strip(), str(key).strip())
            servers = [_server_data(listing) for listing in listings]
            if not any(server["models"] for server in servers):
                raise ServerError("No model of this server accepts images.")
            return {"servers": servers, "families": _list_families()}

        return explain_errors(list_offers)

    def studio_add_server(
        self,
        address: str,
        key: str,
        names: Sequence[str],
        families: dict[str, str],
        request: gr.Request,
    ) -> dict[str, Any]:
        """Put models of a server on the menu, and return them.

        Args:
            address: of the server, as `studio_list_server` gave it.
            key: of the server, kept in memory only; "": none.
            names: of the models.
            families: in which way each is asked, by its name; others as their names suggest.
            request: who asks.
        """

        def add() -> dict[str, Any]:
            self._require_owner(request)
            listing = list_server_models(str(address), str(key).strip())
            wanted = [str(name) for name in names]
            chosen = {
                str(name): str(family)
                for name, family in dict(families).items()
                if family != guess_family(str(name))
            }
            taken = [spec.name for spec in self.backend.menu]
            specs = server_specs(listing, names=wanted, families=chosen, taken=taken)
            if not specs:
                raise InputError("Choose at least one model of the server.")
            added = self.backend.add_server_models(specs, str(key).strip())
            return {"models": [model_info(self.backend, spec, None) for spec in added]}

        return explain_errors(add)

    def _require_permission(self, request: gr.Request) -> None:
        if self.settings.is_public():
            require_operator(request)
        elif not self.settings.allow_checkpoints:
            raise InputError("No models can be added to this page.")

    def _require_owner(self, request: gr.Request) -> None:
        """Refuse servers from elsewhere: they would reach any address of this network."""
        self._require_permission(request)
        if not (self._may_trust(request) or self._is_signed_in(request)):
            raise InputError("Servers can be added only on the computer that runs the page.")

    def _may_trust(self, request: gr.Request) -> bool:
        return self.settings.is_private() and comes_from_here(request)

    def _is_signed_in(self, request: gr.Request) -> bool:
        """Whether the operator of a public page asks, who has given the password."""
        return self.settings.is_public() and is_operator(request)

    def _ask(self, owner: str, name: str, error: UntrustedCodeError) -> dict[str, Any]:
        while len(self.questions) >= MAX_QUESTIONS:
            del self.questions[next(iter(self.questions))]
        self.questions[owner, name, error.revision] = None
        return {
            "checkpoint": error.checkpoint,
            "revision": error.revision,
            "files": list_files(error.files),
        }

    def _require_consent(self, owner: str, name: str, revision: str, request: gr.Request) -> None:
        if not self._may_trust(request):
            raise InputError("Code can be trusted only on the computer that runs it.")
        if (owner, name, revision) not in self.questions:
            raise InputError("Read the code first, then agree to run it.")


def add_model_calls(backend: Backend, settings: Settings) -> ModelCalls:
    """Add the calls to the page, which is being built."""
    calls = ModelCalls(backend, settings)
    for call in (
        calls.studio_models,
        calls.studio_unload,
        calls.studio_add_model,
        calls.studio_list_server,
        calls.studio_add_server,
    ):
        add_call(call, "studio", MAX_CALLS)
    add_call(calls.studio_load, "studio loading", MAX_ANSWERS)
    return calls


def _read_format(name: str) -> NumberFormat | None:
    if not name:
        return None
    try:
        return NumberFormat(name)
    except ValueError as error:
        raise InputError("There is no such number format.") from error


def _step(progress: Progress) -> dict[str, Any]:
    share = progress.done / progress.total if progress.total else None
    return {"stage": text_data(STAGES[progress.stage]), "share": share}


def _read_listings(address: str, key: str) -> Sequence[ServerListing]:
    return [list_server_models(address, key)] if address else find_local_servers()


def _server_data(listing: ServerListing) -> dict[str, Any]:
    return {
        "title": listing.title,
        "address": listing.base_url,
        "models": [
            {"name": model.name, "family": guess_family(model.name)}
            for model in listing.models
            if model.sees_images is not False
        ],
    }


def _list_families() -> list[dict[str, str]]:
    usable = (name for name, family in all_families().items() if not family.unavailable_reason)
    families = [{"name": name, "title": get_family(name).title} for name in usable]
    return sorted(families, key=lambda family: family["title"].casefold())
