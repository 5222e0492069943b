"""The answer component: its stream, what it waits for, and what can be done about errors."""
