"""Trained networks in use: one file, rows as a file has them in, classes or values out."""
