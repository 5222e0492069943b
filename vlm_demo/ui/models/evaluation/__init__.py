"""The view of evaluations: models by benchmarks, and the questions behind every score."""
