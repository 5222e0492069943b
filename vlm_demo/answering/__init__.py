"""From what an engine writes to replies: who answers, reading, and several things at once."""
