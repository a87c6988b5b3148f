"""The engines that benchmarks/search_scale.py measures side by side, and what they are given."""
