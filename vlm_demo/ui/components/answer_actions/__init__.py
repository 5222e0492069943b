"""The bar under an answer: files to download, links that ask again, scores, and follow-ups."""
