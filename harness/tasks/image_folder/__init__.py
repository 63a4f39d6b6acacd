"""Anybody's images: a folder with a folder for each class."""
