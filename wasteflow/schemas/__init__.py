"""The outside shapes: the data dictionary and strict marshmallow schemas; no file, no database."""
