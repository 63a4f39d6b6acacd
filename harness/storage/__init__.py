"""Files: whole or not at all, checksummed, locked, and those that are shipped."""
