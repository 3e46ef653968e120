"""The synchronous face: PyMongo's database, collection and cursor on a branch."""
