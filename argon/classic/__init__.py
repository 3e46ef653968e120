"""Classic branches: one physical database for each, copied from the parent, without history.

They are what branches are where the features of the log are switched off, and
they work through the same ``WALDatabase``. ``argon branch migrate`` turns one
into a branch in the log.
"""
