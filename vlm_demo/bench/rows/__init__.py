"""What is measured: each module has the rows of one subject."""
