"""What was run, by content: an embedded database, weights, and the results read from them."""
