"""OpenAI's protocol over the models of the menu, for other programs.

Source of the protocol: https://platform.openai.com/docs/api-reference/chat. What it has no fields
for, tasks and regions, is in fields of our own, all of them called `vlm_demo`.
"""
