"""The web face: pages, health, errors, headers. Reads through services; holds no rule."""
