"""The HTTP API under `/api/v1`. `resources` wires it; pages use parts of it without loading all."""
