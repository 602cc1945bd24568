"""Every reason why a study is not one, and what its comparisons leave open."""
