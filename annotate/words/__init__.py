"""The interface in other languages: which words pages say, and how they are said elsewhere."""
