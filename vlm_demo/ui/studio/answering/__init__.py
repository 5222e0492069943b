"""How a turn of Studio is answered: what the browser sends, and the events that it gets back."""
