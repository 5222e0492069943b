"""What is said about an answer: checks, consensus, rankings, diagnosis and scores."""
