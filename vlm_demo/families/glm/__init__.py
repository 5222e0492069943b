"""GLM models with vision, and CogVLM and CogAgent of the same makers."""
