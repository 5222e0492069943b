"""Fetches checkpoints from the Hub, and decides where and how they are loaded into memory."""
