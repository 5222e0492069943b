"""How models write regions in text: readers and writers, which several families share.

Readers take output that is still growing, cut off or damaged, and never raise. The house rules that
comments refer to (H1 to H14) are listed in docs/adding-a-family.md.
"""
