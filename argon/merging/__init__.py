"""Git for documents: what differs between two points, and bringing branches together."""
