"""The files of visitors: where they are, who may reach them, and when they go."""
