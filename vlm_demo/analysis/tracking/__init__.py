"""Finds things through a film: asked for in each frame, and linked into tracks."""

from vlm_demo.analysis.tracking.film_search import TrackingStep, track

__all__ = ["TrackingStep", "track"]
