"""The command line: installs as the package ``argon_cli`` with the script ``argon``."""
