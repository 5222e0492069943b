"""Loads a page as many visitors, or one hostile one, would: python -m vlm_demo.bench.load NAME.

Each load starts a page of its own on this machine, with the embedded models, and prints one line of
JSON: what was measured, and whether it `passed`. The machine should have nothing else to do.
"""
