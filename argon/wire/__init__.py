"""What is said to the server past the drivers' own methods, on their connections, where that is quicker."""
