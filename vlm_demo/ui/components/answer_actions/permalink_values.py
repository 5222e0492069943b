"""What the page says about a link that was opened."""

from __future__ import annotations

from vlm_demo.backend import Backend
from vlm_demo.catalog.weights_revision import weights_revision
from vlm_demo.conversations.permalink import Permalink, sha256_of
from vlm_demo.errors import UnknownModelError
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import TranslatableText, encode_value
from vlm_demo.ui.tabs import Tab

HIDDEN_CARD = encode_value({})
"""Value of the card while there is no link."""


def card_value(
    link: Permalink,
    backend: Backend,
    *,
    other: UploadedImage | None = None,
    has_image: bool = False,
) -> str:
    """Value of the card: what the link asks, what is missing for it, and what can be done.

    Args:
        link: what was opened.
        backend: the models of this page.
        other: a picture that came in and is not the link's.
        has_image: whether the link's picture has come in.
    """
    notes = find_doubts(link, backend)
    if link.earlier_turns:
        notes.append(
            TranslatableText(
                "The {count} turns before it are not part of the link.",
                {"count": link.earlier_turns},
            )
        )
    image: dict[str, str | int] = {
        "sha": f"{link.sha256[:12]}…",
        "width": link.size[0],
        "height": link.size[1],
    }
    if link.tab == Tab.CHAT:
        notes.append(TranslatableText("It is in the message box: add its picture, and send it."))
    elif other is not None:
        notes.append(
            TranslatableText(
                "This picture (sha256 {other}) is not that of the link ({sha}).",
                {**image, "other": f"{sha256_of(other.source)[:12]}…"},
            )
        )
    elif not has_image:
        notes.append(
            TranslatableText(
                "Please add the picture that this link is about ({width} × {height}, sha256 "  # noqa: RUF001
                "{sha}): then it is asked again.",
                image,
            )
        )
    return encode_value(
        {
            "tab": link.tab.lower(),
            "words": " ".join(link.request.text.split()) or link.request.task.replace("_", " "),
            "model": link.model,
            "notes": notes,
            "ask": link.tab != Tab.CHAT and (other is not None or has_image),
            "closes": True,
        }
    )


def find_doubts(link: Permalink, backend: Backend) -> list[TranslatableText]:
    """Say why the answer may not be the same here."""
    if not runs_here(link.model, backend):
        return [
            TranslatableText(
                "Its model {model} is not on this page. Please choose another at the top.",
                {"model": link.model},
            )
        ]
    here = weights_revision(backend.spec(link.model))
    if link.revision and here and link.revision != here:
        return [
            TranslatableText(
                "It was asked of revision {then} of the model; here it is {now}, so the answer may "
                "differ.",
                {"then": link.revision[:12], "now": here[:12]},
            )
        ]
    return []


def runs_here(model: str, backend: Backend) -> bool:
    """Tell whether a model is on the menu of this page and can run."""
    try:
        return backend.spec(model).runs_here
    except UnknownModelError:
        return False
