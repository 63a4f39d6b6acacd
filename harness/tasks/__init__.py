"""What differs between kinds of data, and nothing else."""
