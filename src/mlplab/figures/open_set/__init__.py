"""Figures of open-set recognition."""
