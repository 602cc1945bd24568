"""Dense networks, many of one shape at a time: how they begin, compute and pass gradients back."""
