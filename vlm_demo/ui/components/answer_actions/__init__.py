"""Answer actions."""
