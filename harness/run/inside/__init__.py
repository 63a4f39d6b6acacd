"""What executes in the process of a stranger's code, and nothing else."""
