"""Opens pictures in processes of their own, which end when one takes too long.

Pillow cannot be stopped in the middle of a picture, and a file of a few kilobytes may keep it busy
for minutes. A page therefore opens only small pictures of plain formats itself
(`images.is_quick_to_open`), and has workers open the others.
"""

from vlm_demo.images.workers.pool import WorkerPool

__all__ = ["WorkerPool"]
