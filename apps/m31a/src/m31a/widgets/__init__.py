"""Parts of screens: plain values with pure functions that change and draw them."""
