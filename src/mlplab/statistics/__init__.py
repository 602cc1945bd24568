"""Intervals, exact tests and the rules for verdicts: arrays in, frozen records out."""
