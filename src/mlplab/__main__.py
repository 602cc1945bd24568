"""`python -m mlplab` is the command line."""

from mlplab.commands.main import main

main()
