"""How a request becomes a prompt and raw output a reply: `Family`, and what families share."""
