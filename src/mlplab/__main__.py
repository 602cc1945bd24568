"""`python -m mlplab` is the command line."""

from mlplab.commands.program import main

# Processes that draw figures import this module again.
if __name__ == "__main__":
    main()
