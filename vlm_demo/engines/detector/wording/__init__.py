"""How the detector's answers are worded, a file a language."""

from vlm_demo.engines.detector.vocabulary import Language
from vlm_demo.engines.detector.wording.base import Phrase, Sentence, Wording
from vlm_demo.engines.detector.wording.chinese import CHINESE
from vlm_demo.engines.detector.wording.english import ENGLISH
from vlm_demo.engines.detector.wording.japanese import JAPANESE

__all__ = ["WORDINGS", "Phrase", "Sentence", "Wording"]

WORDINGS: dict[Language, Wording] = {
    Language.ENGLISH: ENGLISH,
    Language.JAPANESE: JAPANESE,
    Language.CHINESE: CHINESE,
}
"""The wording of each language."""
