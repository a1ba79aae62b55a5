"""M31A without a screen: run goals from scripts and CI, with JSON and exit codes."""
