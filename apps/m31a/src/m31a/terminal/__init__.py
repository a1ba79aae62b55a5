"""What touches the terminal: its modes, its keys, the bytes that paint it."""
