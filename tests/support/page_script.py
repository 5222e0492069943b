"""Talks to the page over HTTP, as its own JavaScript does."""

import uuid
from collections.abc import Mapping
from typing import Any

import httpx


class PageScript:
    """Talks to the page as its own JavaScript does, and keeps all that it hears."""

    def __init__(
        self, address: str, session: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.http = httpx.Client(base_url=address, timeout=30, headers=headers)
        self.session = session or uuid.uuid4().hex
        self.heard = ""
        self.http.get("", headers={"accept": "text/html"})
        assert self.http.cookies
        config = self.http.get("config").json()
        self.ids = {
            component["props"]["elem_id"]: component["id"]
            for component in config["components"]
            if component["props"].get("elem_id")
        }
        self.events = config["dependencies"]

    def send(self, elem_id: str, event: str, *data: Any, event_data: Any = None) -> str:
        """Do what a click does; return the name of what follows, or all of it where it is quick."""
        target = [self.ids[elem_id], event]
        found = next(one for one in self.events if target in map(list, one["targets"]))
        message = {
            "data": data,
            "fn_index": found["id"],
            "session_hash": self.session,
            "event_data": event_data,
            "trigger_id": target[0],
        }
        if found["queue"]:
            joined = self.http.post("gradio_api/queue/join", json=message)
            return str(joined.raise_for_status().json()["event_id"])
        answer = self.http.post("gradio_api/run/predict", json=message).text
        self.heard += answer
        return answer

    def listen(self, *events: str) -> str:
        """Return what the page is told until some events are over."""
        waited, heard = set(events), ""
        with self.http.stream(
            "GET", "gradio_api/queue/data", params={"session_hash": self.session}
        ) as lines:
            for line in lines.iter_lines():
                heard += line
                self.heard += line
                if '"process_completed"' in line:
                    waited -= {event for event in waited if event in line}
                if not waited:
                    break
        return heard

    def call(self, elem_id: str, event: str, *data: Any) -> str:
        """Do what a click does, and return what the page is told."""
        return self.listen(self.send(elem_id, event, *data))
