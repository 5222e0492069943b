"""How the detector's answers are worded, a file a language."""

from vlm_demo.engines.detector.vocabulary import Language
from vlm_demo.engines.detector.wording.base import DetectorWording, Sentence, SentencePart
from vlm_demo.engines.detector.wording.chinese import CHINESE
from vlm_demo.engines.detector.wording.english import ENGLISH
from vlm_demo.engines.detector.wording.japanese import JAPANESE

__all__ = ["WORDINGS", "DetectorWording", "Sentence", "SentencePart"]

WORDINGS: dict[Language, DetectorWording] = {
    Language.ENGLISH: ENGLISH,
    Language.JAPANESE: JAPANESE,
    Language.CHINESE: CHINESE,
}
"""The wording of each language."""
