"""Version rows: their layout, a branch's lineage, and which rows a view sees."""
