"""Models of Microsoft."""
