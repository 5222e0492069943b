"""Benchmarks whose questions are published: read from the user's folder, asked, and scored.

Nothing is fetched. Each benchmark is a file of `vlm_demo.evaluation.benchmarks`.
"""
