"""Agreement between coders: our own coefficients, each with its source at the line.

Nothing here knows people, items or a database: a matrix of values goes in, numbers come out.
"""
