"""The catalogue: projects, branches, and the collections that a view of a branch has."""
