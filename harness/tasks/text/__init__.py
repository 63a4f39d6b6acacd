"""Predict the next token in passages of books, one of which is to be forgotten."""
