"""The header: product, views, model, language, theme; it is in the first HTML of the page."""
