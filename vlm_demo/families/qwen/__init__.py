"""Qwen models with vision."""
