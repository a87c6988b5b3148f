"""Takes in what an analyst already has: WARC and WACZ files."""
