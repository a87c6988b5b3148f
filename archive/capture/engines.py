"""The engines by name: the one place that knows them all."""
