"""Tests of recorded networks on unknown classes."""
