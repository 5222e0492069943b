"""Fine-tuning a model of the menu on labelled pictures: `vlm-demo finetune`.

`options`, `events`, `log` and `process` need no torch: the page reads them.
"""
