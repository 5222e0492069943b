"""Votes: what they hold, the database that keeps them, and the chain that shows any change."""
