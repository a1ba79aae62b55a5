"""What has happened so far, folded from a run's events into values that screens show."""
