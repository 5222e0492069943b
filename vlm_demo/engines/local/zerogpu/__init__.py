"""Checkpoints on Hugging Face's ZeroGPU, where every request borrows a GPU in another process.

There (https://huggingface.co/docs/hub/spaces-zerogpu) the program itself has no GPU. A call of a
function that is marked with `spaces.GPU` runs in a process that is forked for it and has a GPU for
as many seconds as were requested. Arguments and yielded values are pickled; errors arrive as no
more than a name. The process may serve later calls as well, so what it has loaded stays.

The program therefore only encodes prompts, which takes no weights, and never touches CUDA. The
process opens the engine that runs everywhere else, with a thread of its own, from the files on
disk. ZeroGPU's other way, weights that are put on "cuda" before the fork, is for models that are
loaded while the program starts, by the thread that imported `spaces`; here they are loaded when
they are chosen, in threads.
"""

import spaces as spaces  # type: ignore[import-not-found]  # before torch; only Spaces have it
