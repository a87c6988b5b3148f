"""The instrument a team codes with: codebooks and answers as plain values.

No database and no web here. A codebook version is one canonical document, so that freezing it
is taking its digest, and comparing two versions is comparing two values.
"""
