"""What executes inside a sandbox, above or in a stranger's process."""
