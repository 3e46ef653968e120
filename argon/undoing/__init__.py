"""Taking back: revert, undo, cherry-pick and reset, each one ordinary commit that leaves a backup branch."""
