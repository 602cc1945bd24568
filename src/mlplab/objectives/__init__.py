"""What a network is trained to make small: values and gradients from logits and labels."""
