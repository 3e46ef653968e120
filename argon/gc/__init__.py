"""Garbage collection: the removal of what retention no longer holds, and the sizes of what there is.

:mod:`~argon.gc.collect` goes through it phase by phase.
"""
