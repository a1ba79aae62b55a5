"""The six phases, one class each; none knows another."""
