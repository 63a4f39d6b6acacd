"""Keep strangers' code apart: what it may see, use and leave behind, and the proof."""
