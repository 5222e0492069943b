"""The tabs of one task each: Ask, Caption and Locate."""
