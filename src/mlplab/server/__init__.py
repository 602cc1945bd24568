"""The live page: results folders shown to a browser while runs go on, and after."""
