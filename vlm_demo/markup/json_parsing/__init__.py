"""Finds places in JSON, as models write it, whole or damaged."""
