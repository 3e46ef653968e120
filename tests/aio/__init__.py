"""The asynchronous face, and that all faces are one."""
