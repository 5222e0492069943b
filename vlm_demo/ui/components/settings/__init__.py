"""The generation settings of the page: their components, their values, what is said about them."""
