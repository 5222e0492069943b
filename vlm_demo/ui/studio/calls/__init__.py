"""What Studio's browser application calls beside answers, by subject."""
