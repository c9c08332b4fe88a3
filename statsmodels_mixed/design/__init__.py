"""From a model specification and the user's data to design matrices."""
