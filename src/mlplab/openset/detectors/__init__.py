"""One unit a detector: its formula, its source and its known value; `registry` lists them all."""
