"""What the variances say: standard errors, shares, shrinkage."""
