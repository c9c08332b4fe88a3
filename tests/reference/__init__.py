"""Reference values from R and from exact arithmetic, and what compares with them."""
