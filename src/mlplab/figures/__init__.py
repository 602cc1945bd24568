"""Figures: one definition each, from which the page, SVG, PNG and CSV all come."""
