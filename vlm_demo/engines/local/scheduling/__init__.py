"""Queues requests, lets them share decode steps or take turns, and samples their tokens."""
