"""Answers with fixed wording over what a detector and a classifier of photographs see."""
