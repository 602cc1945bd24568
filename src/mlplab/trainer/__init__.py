"""Training of a stack: recipes and arrays in, curves and weights out."""
