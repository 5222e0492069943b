"""English names of languages, as other arenas publish them, and their ISO 639-1 codes.

Babel (36 MB installed) and langcodes with its language_data (17 MB) know thousands more, which the
arena does not tell apart, and would turn names that are kept as they are into three-letter codes.

Source of names and codes: Unicode CLDR, common/main/en.xml
(https://github.com/unicode-org/cldr/blob/main/common/main/en.xml).
"""

from functools import lru_cache

CODES = {
    "afrikaans": "af",
    "albanian": "sq",
    "arabic": "ar",
    "armenian": "hy",
    "azerbaijani": "az",
    "basque": "eu",
    "belarusian": "be",
    "bangla": "bn",
    "bengali": "bn",
    "bosnian": "bs",
    "bulgarian": "bg",
    "catalan": "ca",
    "chinese": "zh",
    "croatian": "hr",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "esperanto": "eo",
    "estonian": "et",
    "finnish": "fi",
    "french": "fr",
    "galician": "gl",
    "georgian": "ka",
    "german": "de",
    "greek": "el",
    "gujarati": "gu",
    "hebrew": "he",
    "hindi": "hi",
    "hungarian": "hu",
    "icelandic": "is",
    "indonesian": "id",
    "irish": "ga",
    "italian": "it",
    "japanese": "ja",
    "kannada": "kn",
    "kazakh": "kk",
    "korean": "ko",
    "latin": "la",
    "latvian": "lv",
    "lithuanian": "lt",
    "macedonian": "mk",
    "malay": "ms",
    "malayalam": "ml",
    "marathi": "mr",
    "mongolian": "mn",
    "norwegian": "no",
    "persian": "fa",
    "polish": "pl",
    "portuguese": "pt",
    "punjabi": "pa",
    "romanian": "ro",
    "russian": "ru",
    "serbian": "sr",
    "slovak": "sk",
    "slovenian": "sl",
    "spanish": "es",
    "swahili": "sw",
    "swedish": "sv",
    "tagalog": "tl",
    "tamil": "ta",
    "telugu": "te",
    "thai": "th",
    "turkish": "tr",
    "ukrainian": "uk",
    "urdu": "ur",
    "uzbek": "uz",
    "vietnamese": "vi",
    "welsh": "cy",
}
"""ISO 639-1 codes by English name in lower case."""


@lru_cache(maxsize=1_000)
def to_code(language: str) -> str:
    """Return the code of a language given by name or code; an unknown name stays, in lower case.

    "zh-Hant" and "pt_BR" become the language alone; "unknown" becomes "".
    """
    name = language.strip().lower()
    if name in ("unknown", "und", "unk"):
        return ""
    base = name.replace("_", "-").split("-")[0]
    return CODES.get(name, base if len(base) == 2 else name)
