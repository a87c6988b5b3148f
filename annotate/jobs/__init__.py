"""Work that goes on beside the requests: capture, indexing, and who watches over them."""
