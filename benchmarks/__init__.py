"""What Argon costs against a plain collection on the same server; ``python -m benchmarks --help``."""
