"""The demo: an invented study and the web site that its posts stand on.

Nothing of it enters a real archive home (decisions.md 1).
"""
