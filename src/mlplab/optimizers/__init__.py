"""All optimizers as special cases of one update with coefficients for each network and step."""
