"""Battles: two anonymous models answer the same question, and a person votes."""
