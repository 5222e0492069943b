"""The chain of votes as lines of text, from which it is restored, and its copy on the Hub."""
