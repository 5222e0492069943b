"""How much of a page one visitor may take."""
