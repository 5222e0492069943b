"""Models of the InternLM and InternVL projects (Shanghai AI Laboratory)."""
