"""What is in a project's files: symbols, imports, and which files a goal is about."""
