"""Tests of the engine itself, below its faces."""
