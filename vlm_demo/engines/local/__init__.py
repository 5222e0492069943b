"""Runs checkpoints on this machine with transformers."""

from vlm_demo.engines.local.torchvision_check import check_torchvision

check_torchvision()
