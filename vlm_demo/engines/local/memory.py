"""How much memory a model could take."""

import psutil
import torch

from vlm_demo.engines.base import FreeMemory
from vlm_demo.settings import Device


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure the free memory of the machine, and of its GPUs where models would go there."""
    ram = psutil.virtual_memory().available
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return FreeMemory(ram)  # Apple's GPUs share the memory of the machine
    free = (torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count()))
    return FreeMemory(ram, gpu=sum(free))
