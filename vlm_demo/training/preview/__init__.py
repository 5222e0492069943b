"""Data as a model will read it, before it is fine-tuned; torch loads when something is shown."""

from __future__ import annotations

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.preview.values import DataPreview, PreviewPart, RowPreview

__all__ = ["DataPreview", "PreviewPart", "RowPreview", "preview_data"]


def preview_data(spec: ModelSpec, options: FinetuneOptions, count: int) -> DataPreview:
    """Return some examples of what a run would learn from; see `preview.writing`.

    Raises:
        InputError: nothing in the data can be used; the message says why.
        LoadError: the files of the model are not here, or cannot be used.
    """
    from vlm_demo.training.preview import writing

    return writing.write_preview(spec, options, count)
