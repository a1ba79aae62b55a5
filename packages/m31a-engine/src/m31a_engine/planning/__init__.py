"""Plans: what they hold, how a model's text becomes one, and whether it may be carried out."""
