"""Which model answers a request, by the kind of its picture, and what people are told about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from PIL.Image import Image

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Engine, ImageKind, ImageKindRecognizer
from vlm_demo.engines.detector.abilities import ABILITIES
from vlm_demo.engines.detector.questions import QuestionKind, detect_language, read_question
from vlm_demo.engines.detector.vocabulary import Language
from vlm_demo.errors import LoadError, VlmDemoError
from vlm_demo.translatable_text import DisplayText, TranslatableText, join_texts, message
from vlm_demo.values import Reply, Request, Task

LOOKS: Mapping[ImageKind, str] = {
    ImageKind.PHOTOGRAPH: message("This looks like a photograph."),
    ImageKind.DRAWN_SCENE: message("This looks like a drawn scene."),
    ImageKind.SCREEN: message("This looks like a screenshot, a chart or a document."),
}
"""What people are told about a picture of each kind."""

UNKNOWN_PICTURE: Mapping[Language, str] = {
    Language.ENGLISH: (
        "This looks like a screenshot, a chart or a document. I know neither: the models that come "
        "with the program know photographs and drawn scenes. Choose a larger model."
    ),
    Language.JAPANESE: (
        "スクリーンショット、グラフ、または文書のようです。付属のモデルが知っているのは写真と"
        "描かれた場面だけで、どれも分かりません。大きなモデルを選んでください。"
    ),
    Language.CHINESE: (
        "这看起来是屏幕截图、图表或文档。随程序提供的模型只认识照片和绘制的场景，"
        "这些都不认识。请选择更大的模型。"
    ),
}
"""The answer where no model that could be asked knows pictures of a kind."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a request."""

    spec: ModelSpec
    """The menu's entry that was chosen, or the one that it stands for."""

    note: DisplayText = ""
    """What people should know: who answers, or that the model does not know such pictures."""

    refusal: str = ""
    """The whole answer, where nobody is asked; "": `spec` is."""


class ModelRouter:
    """Finds out who answers, by the kind of the picture where that matters."""

    def __init__(
        self,
        menu: Callable[[], Sequence[ModelSpec]],
        use: Callable[[ModelSpec], AbstractContextManager[Engine]],
    ) -> None:
        """Take functions that return the menu, and hold the engine of an entry."""
        self._menu = menu
        self._use = use

    def list_parts(self, spec: ModelSpec) -> tuple[ModelSpec, ...]:
        """Return the models that an entry stands for: itself, or one for each kind of picture.

        The one that tells kinds apart comes first. (): the entry is automatic, and the menu lacks
        the models for that.
        """
        if spec.engine != "automatic":
            return (spec,)
        recognizer = self._find_recognizer()
        kinds = {one.made_for: one for one in reversed(self._menu()) if one.runs_here}
        kinds.pop(None, None)
        if recognizer is None or recognizer.made_for not in kinds or len(kinds) < 2:
            return ()
        return (recognizer, *(one for one in kinds.values() if one.engine != "detector"))

    def find_route(self, spec: ModelSpec, request: Request) -> Route:
        """Return who answers a request to an entry.

        Raises:
            LoadError: the entry is automatic, and the menu lacks the models for that, or the one
                that tells kinds of pictures apart cannot be loaded.
        """
        if spec.engine != "automatic":
            # A warning is not worth an answer: the kind may stay unknown.
            may_warn = spec.made_for and not _asks_to_read(request)  # text is text everywhere
            kind = self.recognize(_find_newest_image(request)) if may_warn else None
            if kind is None or spec.made_for is kind:
                return Route(spec)
            return Route(spec, join_texts(LOOKS[kind], _describe_limit(spec), self._advise(kind)))
        parts = self.list_parts(spec)
        if not parts:
            raise LoadError(
                "{name} needs a detector and a model for drawn scenes on the menu, and their "
                "weights. Choose a model by name.",
                name=spec.name,
            )
        if _asks_to_read(request):
            return Route(parts[0], _name_answerer(parts[0]))
        image = _find_newest_image(request)
        kind = self._recognize(image)
        # The detector can say that it sees nothing; the model of scenes can chat without a picture.
        blank = ImageKind.DRAWN_SCENE if image is None else ImageKind.PHOTOGRAPH
        return _choose_model(parts, request, kind, kind or blank)

    def recognize(self, image: Image | None) -> ImageKind | None:
        """Return the kind of a picture; None: it shows nothing, or no model here can tell."""
        try:
            return self._recognize(image)
        except VlmDemoError:
            return None

    def _recognize(self, image: Image | None) -> ImageKind | None:
        recognizer = self._find_recognizer()
        if image is None or recognizer is None:
            return None
        with self._use(recognizer) as engine:
            return engine.recognize(image) if isinstance(engine, ImageKindRecognizer) else None

    def _find_recognizer(self) -> ModelSpec | None:
        models = (spec for spec in self._menu() if spec.engine == "detector" and spec.is_here)
        return next(models, None)

    def _advise(self, kind: ImageKind) -> DisplayText:
        models = (spec for spec in self._menu() if spec.made_for is kind and spec.runs_here)
        other = next(models, None)
        if other is None:
            return message("Choose a larger model.")
        return TranslatableText("Ask {name} instead.", {"name": other.name})


def wants_larger_model(spec: ModelSpec, reply: Reply) -> bool:
    """Return whether a reply of a model is one that only a larger model could give.

    That is where the model does not know such pictures, or the detector such questions.
    """
    if reply.text in (*UNKNOWN_PICTURE.values(), *ABILITIES.values()):
        return True
    return bool(spec.made_for) and str(_describe_limit(spec)) in str(reply.note)


def _find_newest_image(request: Request) -> Image | None:
    earlier = [image for message in request.history for image in message.images]
    images = [*earlier, *request.images]
    return images[-1] if images else None


def _asks_to_read(request: Request) -> bool:
    if request.task in (Task.CHAT, Task.VQA):
        return (
            read_question(request.text).kind is QuestionKind.READ
            and _find_newest_image(request) is not None
        )
    return request.task is Task.READ


def _choose_model(
    parts: Sequence[ModelSpec], request: Request, kind: ImageKind | None, wanted: ImageKind
) -> Route:
    spec = next((one for one in parts if one.made_for is wanted), None)
    if spec is None:
        return Route(parts[0], refusal=UNKNOWN_PICTURE[detect_language(request.text)])
    note = _name_answerer(spec)
    return Route(spec, join_texts(LOOKS[kind], note) if kind else note)


def _name_answerer(spec: ModelSpec) -> TranslatableText:
    return TranslatableText("{name} answered.", {"name": spec.name})


def _describe_limit(spec: ModelSpec) -> TranslatableText:
    template = message("{name} knows only photographs, so its answer may be meaningless.")
    if spec.made_for is ImageKind.DRAWN_SCENE:
        template = message("{name} knows only drawn scenes, so its answer may be meaningless.")
    return TranslatableText(template, {"name": spec.name})
