"""One module for each noun of the command line; loaded when its command is named."""
