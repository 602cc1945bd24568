"""What recorded networks do with classes they have never seen, and how well they refuse them."""
