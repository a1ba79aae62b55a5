"""What a shell command would do, read off its syntax tree; nothing here runs anything."""
