"""Races: several threads and processes at once, judged by what they themselves have seen."""
