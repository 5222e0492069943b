"""The forms in which labelled pictures are read, one file each.

A file that defines FORM is found; there is nothing else to register.
"""
