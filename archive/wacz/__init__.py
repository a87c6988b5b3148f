"""Reading and judging WACZ packages, which are zips an attacker may have made."""
