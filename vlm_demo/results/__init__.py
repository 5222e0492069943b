"""Results of evaluation runs as files: their form, their questions and pictures, and reading them.

A run is a folder with `results.json` and `questions.jsonl`. `vlm_demo.evaluation` writes them, and
the page reads them.
"""
