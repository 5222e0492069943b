"""The form that puts models of a server on the menu: its address, its key, its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.catalog.server_menu import guess_family, server_specs
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import ServerListing, find_local_servers, list_server_models
from vlm_demo.errors import InputError, ServerError
from vlm_demo.families import all_families, get_family
from vlm_demo.ui.components.code_trust import comes_from_here
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import DisplayText, TranslatableText, translatable_html
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import error_message

Listings = tuple[ServerListing, ...]

_Addition = tuple[ServerListing, Sequence[str] | None, Mapping[str, str]]
"""A server, which of its models are added (None: all), and their families where chosen."""


@dataclass(frozen=True, slots=True)
class ServerForm:
    """The components of the form, and what happens on its events."""

    backend: Backend
    menu_choice: gr.Dropdown  # the model of the page
    list_menu: Callable[[], list[str]]  # names of the models that can be chosen there
    address: gr.Textbox
    key: gr.Textbox
    look: gr.Button
    status: gr.HTML
    found: gr.Column
    model: gr.Dropdown
    family: gr.Dropdown
    add_one: gr.Button
    add_all: gr.Button
    listings: gr.State  # Listings: what was found, without keys

    @property
    def outputs(self) -> list[Any]:
        """The components that `list_models` and `look_here` give values for, and the address."""
        return [self.address, self.listings, self.status, self.found, self.model, self.family]

    def list_models(self, address: str, key: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Ask the server at an address for its models."""
        yield self._hide_models(TranslatableText("Asking the server for its models…"))
        yield self._find(lambda: (list_server_models(address, key),), request)

    def look_here(self, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Ask servers at their usual ports on this computer."""
        yield self._hide_models(TranslatableText("Looking at the usual ports of this computer…"))
        yield self._find(find_local_servers, request)

    def _find(self, search: Callable[[], Listings], request: gr.Request) -> dict[Any, Any]:
        """Show what a search finds, or why it finds nothing."""
        try:
            if not comes_from_here(request):
                raise InputError("Servers can be added only on the computer that runs the page.")
            listings = search()
            offers = _list_offers(listings)
            if not offers:
                raise ServerError("This server has only models that see no pictures.")
            return self._show_models(listings, offers)
        except Exception as error:  # whatever it is, people are told
            return self._hide_models(error_message(error))

    def _show_models(self, listings: Listings, offers: list[tuple[str, str]]) -> dict[Any, Any]:
        places = ", ".join(_describe_server(listing) for listing in listings)
        template = "1 model at {places}" if len(offers) == 1 else "{count} models at {places}"
        status = TranslatableText(template, {"count": len(offers), "places": places})
        _, first = offers[0]
        return {
            self.listings: listings,
            self.status: _status_html(status),
            self.found: gr.Column(visible=True),
            self.model: gr.Dropdown(choices=offers, value=first),
            self.family: self.guess(listings, first)[self.family],
        }

    def _hide_models(self, status: DisplayText) -> dict[Any, Any]:
        return {
            self.listings: (),
            self.status: _status_html(status),
            self.found: gr.Column(visible="hidden"),
        }

    def guess(self, listings: Listings, offer: str | None) -> dict[Any, Any]:
        """Propose the family that a model's name suggests."""
        found = _read_offer(listings, offer)
        return {self.family: guess_family(found[1]) if found else gr.skip()}

    def add(self, listings: Listings, offer: str | None, family: str, key: str) -> dict[Any, Any]:
        """Put the chosen model on the menu, and choose it there."""
        found = _read_offer(listings, offer)
        if found is None:
            return {self.status: gr.skip()}
        listing, name = found
        return self._add([(listing, [name], {name: family})], key)

    def add_every(
        self, listings: Listings, offer: str | None, family: str, key: str
    ) -> dict[Any, Any]:
        """Put all models on the menu, the chosen one in the chosen way, and choose that."""
        chosen = _read_offer(listings, offer)
        additions = [
            (listing, None, {chosen[1]: family} if chosen and chosen[0] is listing else {})
            for listing in listings
        ]
        return self._add(additions, key)

    def _add(self, additions: Sequence[_Addition], key: str) -> dict[Any, Any]:
        specs: list[ModelSpec] = []
        try:
            for listing, names, families in additions:
                guessed = {name: one for name, one in families.items() if one != guess_family(name)}
                taken = [spec.name for spec in (*self.backend.menu, *specs)]
                specs += server_specs(listing, names=names, families=guessed, taken=taken)
            added = self.backend.add_server_models(specs, key.strip())
        except Exception as error:  # whatever it is, people are told
            return {self.status: _status_html(error_message(error))}
        first = added[0].name
        template = "{model} is on the menu." if len(added) == 1 else "{count} models are on it now."
        status = TranslatableText(template, {"model": first, "count": len(added)})
        return {
            **self._hide_models(status),
            self.menu_choice: gr.Dropdown(choices=self.list_menu(), value=first),
            self.key: "",
        }

    def wire(self) -> None:
        """Connect the components with what happens."""
        address = [self.address, self.key]
        self.address.submit(self.list_models, address, self.outputs, **QUEUED)
        self.key.submit(self.list_models, address, self.outputs, **QUEUED)
        self.look.click(self.look_here, None, self.outputs, **QUEUED)
        self.model.input(self.guess, [self.listings, self.model], self.family, **QUICK)
        choice = [self.listings, self.model, self.family, self.key]
        changed = [self.listings, self.status, self.found, self.menu_choice, self.key]
        self.add_one.click(self.add, choice, changed, **QUEUED)
        self.add_all.click(self.add_every, choice, changed, **QUEUED)


def build_server_form(
    backend: Backend, menu_choice: gr.Dropdown, list_menu: Callable[[], list[str]]
) -> ServerForm:
    """Lay out the form and wire it.

    Args:
        backend: whose menu it adds to.
        menu_choice: the model of the page.
        list_menu: returns the names of the models that can be chosen there.
    """
    with gr.Column(elem_id="add-server"):
        address = gr.Textbox(
            label=say("Address of a server with OpenAI's API"),
            placeholder="http://127.0.0.1:8000/v1",
            info=say("vLLM, Ollama, LM Studio, llama.cpp, SGLang and many others."),
            submit_btn=str(say("List its models")),
            max_lines=1,
            elem_id="add-server-address",
        )
        key = gr.Textbox(
            label=say("Key of the server, if it needs one"),
            type="password",
            info=say("It is kept in the memory of this program, and written to no file."),
            max_lines=1,
            elem_id="add-server-key",
        )
        look = gr.Button(say("Look on this computer"), size="sm", elem_id="add-server-look")
        status = gr.HTML(elem_id="add-server-status", apply_default_css=False)
        with gr.Column(visible="hidden", elem_id="add-server-found") as found:
            model = gr.Dropdown(
                label=say("Model of the server"), filterable=True, elem_id="add-server-model"
            )
            family = gr.Dropdown(
                _family_choices(),
                label=say("Asked in the way of"),
                info=say("Guessed from the name of the model. Please change it where it is wrong."),
                filterable=True,
                elem_id="add-server-family",
            )
            with gr.Row():
                add_one = gr.Button(
                    say("Add this model"), variant="primary", size="md", elem_id="add-server-one"
                )
                add_all = gr.Button(say("Add all models"), size="md", elem_id="add-server-all")
    form = ServerForm(
        *(backend, menu_choice, list_menu, address, key, look, status, found, model, family),
        *(add_one, add_all, gr.State(())),
    )
    form.wire()
    return form


def _family_choices() -> list[tuple[str, str]]:
    """Return the title and the name of each family that can be asked."""
    usable = (name for name, family in all_families().items() if not family.unavailable_reason)
    return sorted((get_family(name).title, name) for name in usable)


def _list_offers(listings: Listings) -> list[tuple[str, str]]:
    """Return a label for each model that may see pictures, and a value that names it."""
    return [
        (
            model.name if len(listings) == 1 else f"{model.name} · {_describe_server(listing)}",
            f"{number} {model.name}",
        )
        for number, listing in enumerate(listings)
        for model in listing.models
        if model.sees_images is not False
    ]


def _read_offer(listings: Listings, offer: str | None) -> tuple[ServerListing, str] | None:
    """Return the server and the model that an offer names; None: a browser sent something else."""
    number, _, name = (offer or "").partition(" ")
    if not number.isdecimal() or int(number) >= len(listings):
        return None
    listing = listings[int(number)]
    return (listing, name) if any(name == model.name for model in listing.models) else None


def _describe_server(listing: ServerListing) -> str:
    return f"{listing.title} ({listing.base_url})" if listing.title else listing.base_url


def _status_html(status: DisplayText) -> str:
    return f'<p class="notice" role="status">{translatable_html(status)}</p>'
