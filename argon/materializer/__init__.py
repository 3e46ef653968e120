"""The log as proof: states replayed from it, rows held against it and rebuilt from it."""

from argon.materializer.report import Problem, ProblemKind, Progress, VerifyReport

__all__ = ["Problem", "ProblemKind", "Progress", "VerifyReport"]
