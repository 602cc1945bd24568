"""From questions and results to answers: an effect, its interval, a verdict and a sentence."""
