"""Files in: bytes to checked tables of text; no database, no meaning of columns."""
