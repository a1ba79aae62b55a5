"""The first run: what is chosen in it, and the work behind its steps."""
