"""Where in a text an annotation stands: W3C selectors in code points, made and found again."""
