"""Result files, and how they are shown."""
