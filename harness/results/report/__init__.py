"""One HTML file that shows a result, or two side by side, made of stored arrays."""
