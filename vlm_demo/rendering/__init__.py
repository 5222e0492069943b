"""Draws regions into pictures, and exports answers in formats that other programs read."""
