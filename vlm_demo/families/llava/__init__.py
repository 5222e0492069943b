"""Llava."""
