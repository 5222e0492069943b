"""The page, the only room that imports gradio: a folder for each tab, over shared components."""
