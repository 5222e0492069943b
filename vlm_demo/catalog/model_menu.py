"""The menu of a running program, to which people add models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from vlm_demo.catalog.added_model import spec_for_checkpoint
from vlm_demo.catalog.menu import find
from vlm_demo.catalog.own_code import trust_own_code
from vlm_demo.catalog.server_menu import merge_server_specs
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError, LoadError, quote_name
from vlm_demo.markup.coordinate_spaces import SPACES


class ModelMenu:
    """The models that can be chosen, and the keys of their servers; several threads may use it."""

    def __init__(self, specs: Sequence[ModelSpec]) -> None:
        """Begin with some entries, the default first."""
        self._specs = tuple(specs)
        self._server_keys: dict[str, str] = {}  # by base_url; they are kept nowhere else
        self._lock = Lock()  # guards both

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """The entries, the default first."""
        return self._specs

    def find(self, name: str) -> ModelSpec:
        """Return an entry, or raise UnknownModelError."""
        return find(self._specs, name)

    def server_key(self, spec: ModelSpec) -> str:
        """Return the key of an entry's server; "": none is known."""
        return self._server_keys.get(spec.base_url, "")

    def add_checkpoint(self, checkpoint: str, trusted_revision: str) -> ModelSpec:
        """Add a Hub id or a folder to the menu, unless it is there already.

        It may be an adapter: then it is merged into its base, which must be on the menu or on this
        machine, as no stranger says what is fetched.

        Args:
            checkpoint: the Hub id or the folder.
            trusted_revision: names the code of the checkpoint that somebody has read and trusts
                (see `UntrustedCodeError`); "": none is trusted.

        Raises:
            UntrustedCodeError: it needs program code of its own, which is not trusted.
            NotRunnableError: this program cannot run it, or it has no chat template; the message
                says what to do.
            LoadError: there is no such checkpoint, it cannot be reached, or takes no pictures.
        """
        name = checkpoint.strip()
        listed = next((spec for spec in self._specs if spec.is_called(name)), None)
        if listed and listed.runs != "remote code":
            listed.require_runnable()
            return listed
        found = listed or spec_for_checkpoint(checkpoint, self._specs)
        new = trust_own_code(found, trusted_revision)
        new.require_runnable()
        with self._lock:
            others = [spec for spec in self._specs if spec is not listed]
            if any(spec.name == new.name for spec in others):
                raise LoadError("The menu already has a model called {name}.", name=repr(new.name))
            self._specs = (*others, new)
        return new

    def add_server_models(
        self, specs: Sequence[ModelSpec], api_key: str, unload: Callable[[str], None]
    ) -> tuple[ModelSpec, ...]:
        """Add models of a server, and return their entries; see `Backend.add_server_models`.

        Args:
            specs: as `server_specs` makes them.
            api_key: of their server; "": as it was.
            unload: ends the use of a model, whose key or family may be another one now.
        """
        with self._lock:
            menu, added = merge_server_specs(self._specs, specs)
            for spec in added:
                unload(spec.name)
            self._specs = menu
            self._server_keys |= {spec.base_url: api_key for spec in added if api_key}
        return added

    def add_new(self, specs: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
        """Add entries at the end whose names are not on the menu, and return them."""
        with self._lock:
            taken = {spec.name for spec in self._specs}
            new = tuple(spec for spec in specs if spec.name not in taken)
            self._specs = (*self._specs, *new)
        return new

    def choose_space(self, model: str, space: str) -> ModelSpec:
        """Change what the numbers of a model's boxes count; see `Backend.choose_space`."""
        if space and space not in SPACES:
            raise InputError("There is no coordinate space {space}.", space=quote_name(space))
        with self._lock:
            old = self.find(model)
            new = replace(old, coordinate_space=space)
            self._specs = tuple(new if spec is old else spec for spec in self._specs)
        return new
