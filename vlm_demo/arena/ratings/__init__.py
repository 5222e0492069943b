"""Ratings of models by the votes on them: leaderboards, and how well voters agree."""
