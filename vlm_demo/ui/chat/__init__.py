"""The Chat tab: a conversation about pictures, the sidebar with its pictures, few-shot examples."""
