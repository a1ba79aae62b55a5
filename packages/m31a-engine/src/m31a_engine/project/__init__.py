"""What a project is, and how it is built, tested and checked."""
