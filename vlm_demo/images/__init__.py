"""Pictures from outside: opened, checked and turned upright, within limits of work."""
