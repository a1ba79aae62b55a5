"""What a session keeps on disk: its journal, its folder, its locks and readable views."""
