"""Evidence: checks that ran on exactly one tree, and what speaks against them."""
