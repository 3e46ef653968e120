"""The write-ahead log: LSNs, entries, and the protocol by which commits land."""
