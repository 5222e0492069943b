"""Files that are read or written with care: whole or not at all, and bounded ZIPs."""
