"""Files of documents: their formats, read and written as streams."""
