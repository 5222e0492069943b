"""What is more than one still picture: documents with pages, and films."""
