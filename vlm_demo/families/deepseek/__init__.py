"""Models of DeepSeek."""
