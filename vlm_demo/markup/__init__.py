"""How models write regions in text: readers and writers, which several families share.

Readers take output that is still growing, cut off or damaged, and never raise.
"""
