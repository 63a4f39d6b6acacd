"""What N models output, and their weights."""
