"""What is prepared once and read from disk afterwards."""
