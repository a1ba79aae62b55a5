"""The prompt texts and how a phase puts them together."""
