"""Research models that run only on their authors' own code, or were never released."""
