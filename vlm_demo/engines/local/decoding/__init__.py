"""Computes tokens step by step with a KV cache, constrains them, and turns them into text."""
