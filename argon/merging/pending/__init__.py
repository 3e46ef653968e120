"""Merges that wait for decisions: their conflicts are data, settled one by one."""
