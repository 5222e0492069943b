"""Models made for Japanese."""
