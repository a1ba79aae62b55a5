"""A task's talk with a model: messages, turns, tool calls, limits and budget."""
