"""Outlines of what boxes, points and scribbles mark, by SAM 1 and SAM 2 of transformers."""
