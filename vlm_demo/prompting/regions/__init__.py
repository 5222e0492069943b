"""How regions reach a model: in words, drawn into its image, or cropped."""
