"""The view of fine-tuning: choose a model and data, watch the loss and the scores, and try it."""
