"""Models of Meta."""
