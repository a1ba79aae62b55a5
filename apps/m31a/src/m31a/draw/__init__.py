"""What is drawn, as values: styles, lines, frames and themes. Nothing here knows a terminal."""
