"""Text for people, collected from output piece by piece while its markup is left out."""

_NO_BLANK_BEFORE = tuple(".,;:!?、。")


class CleanText:
    """Text that grows by pieces, without doubled or stray blanks where markup was removed.

    Offsets that were returned stay valid: only blanks after words are ever taken back.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, piece: str) -> tuple[int, str]:
        """Append a piece; return where its words begin in the text, and the words."""
        words = piece.strip()
        if words.startswith(_NO_BLANK_BEFORE):
            piece = piece.lstrip()
            self._remove_trailing_blanks()
        elif not self._pieces or self._pieces[-1][-1].isspace():
            piece = piece.lstrip()
        start = self._length + len(piece) - len(piece.lstrip())
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)
        return start, words

    def _remove_trailing_blanks(self) -> None:
        while self._pieces and self._pieces[-1][-1].isspace():
            last = self._pieces.pop()
            stripped = last.rstrip()
            self._length -= len(last) - len(stripped)
            if stripped:
                self._pieces.append(stripped)

    def __str__(self) -> str:
        return "".join(self._pieces).rstrip()
