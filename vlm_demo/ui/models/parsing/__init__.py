"""Parse model output: any text that a model wrote, read and drawn."""
