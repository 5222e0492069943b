"""Models of Cohere."""
