"""The browser engine: a fresh Chromium for each capture, recorded over its debugging protocol."""
