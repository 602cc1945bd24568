"""From files to plain values: JSON with the line of everything in it, and what is wrong with each."""
