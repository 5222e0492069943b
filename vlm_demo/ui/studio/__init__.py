"""Studio's part on the server: what its browser application calls, and what it is sent."""
