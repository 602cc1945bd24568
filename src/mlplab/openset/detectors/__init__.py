"""Detectors of unknown classes: `registry.make` gives the declared ones by name."""
