"""What an operator has done once, from the command line, beside whatever runs."""
