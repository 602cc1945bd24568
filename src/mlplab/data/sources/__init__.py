"""One module a format: each gives a header at little cost, and all rows.

A format reads; what rows mean and how they are divided is decided once for all, in `own_sets`.
"""
