"""What became of a document, who set its fields, and when something went wrong."""
