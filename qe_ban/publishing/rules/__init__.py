"""What a page is: its blocks, its states, who sees what of it, and how two of them differ."""
