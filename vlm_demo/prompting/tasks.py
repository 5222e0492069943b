"""Tasks grouped by what the text of their requests means."""

from __future__ import annotations

from vlm_demo.values import Task

CAPTION_TASKS = frozenset({Task.CAPTION, Task.DETAILED_CAPTION, Task.GROUNDED_CAPTION})
"""Tasks whose text is the beginning of the answer, not a question."""

TEXT_TASKS = frozenset({Task.CHAT, Task.VQA, Task.GROUNDING, Task.DETECT})
"""Tasks that mean nothing without words."""

FREE_TEXT_TASKS = frozenset({Task.CHAT, Task.VQA})
"""Tasks in whose words a region may be written.

No family was taught one in the name of what is to be found, and most enclose that in tags.
"""

WHOLE_IMAGE_TASKS = CAPTION_TASKS | {Task.READ}
"""Tasks that ask about everything that is shown: with a region, about what is in it."""
