"""Models of Baidu."""
