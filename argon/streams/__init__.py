"""Change streams, read from the log.

A branch's log is a chain in which each entry names the one before it, so a
stream is a place on that chain: what follows is found by one index, nothing
can be skipped, and a resume token is an LSN. A change stream of the server's
on the log serves only to wake a reader that has caught up.

:mod:`~argon.streams.feed` puts a stream together out of operations, for
threads and event loops alike; :mod:`~argon.driver.stream` is PyMongo's face
on it.
"""
