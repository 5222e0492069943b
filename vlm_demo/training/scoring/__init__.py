"""What a model knew before and knows after: held-out questions, old skills, and their scores."""
