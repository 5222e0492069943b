"""Commands about battles, votes and ratings."""
