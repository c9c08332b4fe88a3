"""Profile likelihood: paths, limits, coordinates."""
