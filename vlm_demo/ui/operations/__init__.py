"""Operations: what the operator of a page sees of it, at an address of its own."""
