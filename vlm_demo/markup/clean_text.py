"""Text for people, put together from output piece by piece while its markup is left out."""

_NO_BLANK_BEFORE = tuple(".,;:!?、。")


class CleanText:
    """Grows by pieces; joints left by removed markup get no doubled or stray blanks.

    Offsets that were handed out stay true: only blanks behind words are ever taken back.
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
            self._take_back_blanks()
        elif not self._pieces or self._pieces[-1][-1].isspace():
            piece = piece.lstrip()
        start = self._length + len(piece) - len(piece.lstrip())
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)
        return start, words

    def _take_back_blanks(self) -> None:
        while self._pieces and self._pieces[-1][-1].isspace():
            last = self._pieces.pop()
            kept = last.rstrip()
            self._length -= len(last) - len(kept)
            if kept:
                self._pieces.append(kept)

    def __str__(self) -> str:
        return "".join(self._pieces).rstrip()
