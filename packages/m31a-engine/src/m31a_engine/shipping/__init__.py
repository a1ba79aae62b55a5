"""The last look before a commit leaves the session, and the proof that it carries."""
