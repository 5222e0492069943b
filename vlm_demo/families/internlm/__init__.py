"""Internlm."""
