"""Data sets: found, read, checked, divided and scaled.

`preparation.prepare` is the way from a declaration to arrays; everything else serves it.
"""
