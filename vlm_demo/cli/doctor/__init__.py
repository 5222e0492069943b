"""Examines this machine: what the program needs, and what is known to go wrong."""

from vlm_demo.cli.doctor.examination import examine

__all__ = ["examine"]
