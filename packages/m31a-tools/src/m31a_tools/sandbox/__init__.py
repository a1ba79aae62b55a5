"""Commands that can change, reach and see no more than they were given."""
