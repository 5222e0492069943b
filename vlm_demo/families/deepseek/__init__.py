"""Deepseek."""
