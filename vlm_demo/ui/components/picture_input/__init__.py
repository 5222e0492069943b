"""Picture input."""
