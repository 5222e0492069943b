"""Which pictures a model is shown, and in what size."""
