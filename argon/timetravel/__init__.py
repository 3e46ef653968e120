"""Points in time: from what a user says to an LSN of a branch's history."""
