"""Reads the frames of a film one after the other, by OpenCV."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Self

from PIL import Image

from vlm_demo.errors import FilmError
from vlm_demo.images.opening import MAX_PIXELS
from vlm_demo.media.film import TAKEN_BEFORE

_OPTIONS = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file",  # a film names no other file
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_LOG_LEVEL": "OFF",
}
"""What OpenCV and FFmpeg read from the environment: cap_ffmpeg_impl.hpp of OpenCV 5.0."""

USUAL_RATE = 25.0
"""Frames per second of a film that does not say, or says nonsense."""

SEEK_S = 4.0
"""Shortest way, in seconds of the film, that may be skipped rather than read."""

SEEK_TOLERANCE_S = 1.0
"""By how much a skip may miss its time before films of this kind are read frame by frame."""

THUMBNAIL = (32, 18)
"""Width and height of the grey copies by which frames are compared."""


def import_cv2() -> Any:
    """Return OpenCV, which takes a while to load and keeps quiet here.

    Raises:
        FilmError: it is not installed.
    """
    for name, value in _OPTIONS.items():
        os.environ.setdefault(name, value)
    try:
        import cv2
    except ImportError as error:
        raise FilmError(
            "Videos need OpenCV, which cannot be imported here. Install it: pip install "
            "opencv-python-headless."
        ) from error
    return cv2


class FilmCapture:
    """A film that is open, and where it stands; frames that are not wanted are only decoded."""

    def __init__(self, path: Path) -> None:
        """Open a film before its first frame.

        Raises:
            FilmError: there are no pictures in it that can be read, or they are too large.
        """
        self._cv2 = import_cv2()
        # FFmpeg and no other reader: those of series of files and of devices take names as well.
        self._video = self._cv2.VideoCapture(str(path), self._cv2.CAP_FFMPEG)
        self.index = -1  # of the current frame; -1: there is none yet
        self.seconds = 0.0  # when the current frame is shown
        self._picture: Any = None  # the current frame, once it was wanted
        self._can_skip = True
        self._grab_s = self._skip_s = 0.0  # seconds that a frame and a skip have taken
        if not self._video.isOpened():
            self.close()
            raise FilmError(
                "This video has no frames that can be read: it has only sound, is damaged, or "
                "has an unknown format. MP4 with H.264 works."
            )
        self._check_size()
        rate = self._video.get(self._cv2.CAP_PROP_FPS)
        self.rate = rate if 0.01 <= rate <= 1000 else USUAL_RATE

    def __enter__(self) -> Self:
        """Return the open film."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._video.release()

    def _check_size(self) -> None:
        cv2 = self._cv2
        width = self._video.get(cv2.CAP_PROP_FRAME_WIDTH)
        if width * self._video.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS:
            self.close()
            raise FilmError(
                "The frames of this video are too large; the limit is {most} megapixels.",
                most=f"{MAX_PIXELS / 1e6:.0f}",
            )

    @property
    def claimed_count(self) -> int:
        """How many frames the file says that it has; it may be wrong, 0 or below."""
        return int(min(self._video.get(self._cv2.CAP_PROP_FRAME_COUNT), 2**31))

    def advance(self) -> bool:
        """Go to the next frame; False: there is none."""
        begun = time.monotonic()
        if not self._video.grab():
            return False
        self._grab_s = max(self._grab_s * 0.9, time.monotonic() - begun)
        self._picture = None
        self.index += 1
        seconds = self._video.get(self._cv2.CAP_PROP_POS_MSEC) / 1000
        is_later = seconds > self.seconds or self.index == 0
        self.seconds = max(seconds, 0) if is_later else self.seconds + 1 / self.rate
        return True

    def move_to(self, seconds: float) -> bool:
        """Go on to the frame that is shown at a time, or the next one; False: there is none.

        Where the current frame is it already, or a later one, it stays.
        """
        reached = seconds - TAKEN_BEFORE / self.rate  # frames are shown until the next one
        if seconds - self.seconds > SEEK_S and self._is_worth_skipping(seconds):
            self._skip_to(seconds)
        while self.index < 0 or self.seconds < reached:
            if not self.advance():
                return False
        return True

    def skip_to(self, seconds: float) -> bool:
        """Go to about a time without reading what lies before it; False: nothing is there."""
        self._video.set(self._cv2.CAP_PROP_POS_MSEC, seconds * 1000)
        self.seconds = 0.0
        if not self.advance():
            return False
        self.index = max(int(self._video.get(self._cv2.CAP_PROP_POS_FRAMES)) - 1, 0)
        return True

    def _is_worth_skipping(self, seconds: float) -> bool:
        """Whether skipping seems quicker than reading all frames in between."""
        way = (seconds - self.seconds) * self.rate * self._grab_s
        return self._can_skip and self._skip_s <= way

    def _skip_to(self, seconds: float) -> None:
        """Skip; where a film cannot, it is read frame by frame from where it stands then."""
        before, begun = self.seconds, time.monotonic()
        has_frame = self.skip_to(max(seconds - 2 / self.rate, 0))
        self._skip_s = time.monotonic() - begun
        if not has_frame or abs(self.seconds - seconds) > SEEK_TOLERANCE_S:
            self._can_skip = False
        if not has_frame or not before <= self.seconds <= seconds + SEEK_TOLERANCE_S:
            self._video.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
            self.index, self.seconds = -1, 0.0

    def thumbnail(self) -> Any:
        """Return the current frame in grey and tiny: an array (18, 32) of 0 to 255.

        Raises:
            FilmError: the frame cannot be read.
        """
        cv2 = self._cv2
        small = cv2.resize(self._retrieve(), THUMBNAIL, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)

    def picture(self, max_pixels: int) -> Image.Image:
        """Return the current frame, scaled down to a number of pixels at most.

        Raises:
            FilmError: the frame cannot be read.
        """
        cv2, picture = self._cv2, self._retrieve()
        height, width = picture.shape[:2]
        factor = (max_pixels / (width * height)) ** 0.5
        if factor < 1:
            size = max(1, int(width * factor)), max(1, int(height * factor))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the current frame, upright.

        Raises:
            FilmError: the frame cannot be read.
        """
        height, width = self._retrieve().shape[:2]
        return width, height

    def _retrieve(self) -> Any:
        """Return the current frame as an array (height, width, 3) of blue, green and red."""
        if self._picture is None:
            has_picture, self._picture = self._video.retrieve()
            if not has_picture or self._picture is None:
                self._picture = None
                raise FilmError("A frame of this video is damaged and cannot be read.")
        return self._picture
