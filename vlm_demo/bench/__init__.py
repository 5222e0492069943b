"""How fast the program is compared with the usual ways to run the same models: `vlm-demo bench`.

Both sides run on one machine, in turns, with the same model and as many threads, so that other load
on the machine affects both; the ratios count. `measures` lists what is measured, `runner` measures.
Nothing but the command line imports this package.
"""

import vlm_demo.engines.local  # noqa: F401  # it checks torchvision, before transformers is imported
