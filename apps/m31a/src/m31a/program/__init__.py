"""The loop and the words of every screen: messages, effects, keys, navigation."""
