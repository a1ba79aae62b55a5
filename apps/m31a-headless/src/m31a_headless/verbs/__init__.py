"""The verbs, one file each: `main(program, words)` returns the exit code."""
