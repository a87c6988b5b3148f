"""A derived full-text index, always rebuildable. Knows archive/, not annotate/."""
