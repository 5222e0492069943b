"""What the tabs are built of: canvas, answer, settings, model choice, and the like."""
