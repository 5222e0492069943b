"""Warnings of Gradio that no test can do anything about."""

IGNORED_WARNINGS = (
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning:gradio",
    "ignore::UserWarning:gradio",
)
"""What its server leaves behind when it is closed, and what its own code warns of."""
