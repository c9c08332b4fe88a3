"""Adapters for other packages; none of those is needed to import this one."""
