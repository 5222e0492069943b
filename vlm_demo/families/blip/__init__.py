"""Blip."""
