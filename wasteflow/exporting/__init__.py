"""Files out: pure functions from plain data to text or bytes; writing a file is the caller's."""
