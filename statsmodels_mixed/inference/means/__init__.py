"""Estimated marginal means, contrasts and slopes."""
