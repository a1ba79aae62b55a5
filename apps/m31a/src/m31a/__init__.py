"""M31A: an autonomous coding agent for the terminal that finishes."""
