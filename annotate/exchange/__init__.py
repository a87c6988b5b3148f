"""Forms in which a team's work leaves and comes: REFI-QDA, Web Annotations, Hypothesis, sheets.

Plain values in and out; no database, no web. What becomes of them is services/interchange.py.
"""
