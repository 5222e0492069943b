"""Who gets to the page: names and passwords of a closed one, and terms to accept."""
