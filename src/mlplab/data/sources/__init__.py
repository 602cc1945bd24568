"""Formats of files: each gives sizes or a header at little cost, and all rows.

A format reads; what rows mean and how they are divided is decided once for all, in `own_sets`.
"""
