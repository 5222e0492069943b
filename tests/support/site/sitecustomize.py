"""Lets the processes that tests start use torchvision as the tests themselves do.

Python imports this module when it starts, where its folder is on PYTHONPATH.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_FILE = Path(__file__).parents[1] / "torchvision_operators.py"
_spec = spec_from_file_location("torchvision_operators", _FILE)
if _spec is None or _spec.loader is None:
    raise ImportError(f"{_FILE} cannot be loaded.")
_module = module_from_spec(_spec)
_spec.loader.exec_module(_module)
sys.meta_path.insert(0, _module.OperatorDefinitions())
