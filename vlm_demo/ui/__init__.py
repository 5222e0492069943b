"""The page: the only place that imports gradio. One file a tab."""
