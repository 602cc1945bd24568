"""What recorded results mean: questions answered, unknown classes examined; it never trains."""
