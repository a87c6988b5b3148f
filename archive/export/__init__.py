"""What leaves the archive: packages and indexes, made of stored bytes that are not touched."""
