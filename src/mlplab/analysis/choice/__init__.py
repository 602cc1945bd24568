"""Which network to take: a rule, what it takes, and that in words and for programs."""
