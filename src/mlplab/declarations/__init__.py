"""What a study may say: frozen statements of what is wanted, and every reason why one is not."""
