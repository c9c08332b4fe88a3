"""Fits to data that were drawn: bootstraps, their tests, power."""
