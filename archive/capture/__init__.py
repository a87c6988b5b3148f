"""Captures a page into one WARC file."""
