"""Pascal VOC: one XML file a picture, with the bounding box of each region.

Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
"""

from __future__ import annotations

from xml.etree import ElementTree

from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.class_names import class_areas, to_printable
from vlm_demo.values import bounding_box


def export_voc(annotated: AnnotatedImage) -> str:
    """Return the annotation of one picture; pixels are whole and count from 1."""
    width, height = annotated.size
    root = ElementTree.Element("annotation")
    _element(root, "filename", to_printable(annotated.name))
    shape = ElementTree.SubElement(root, "size")
    for tag, number in (("width", width), ("height", height), ("depth", 3)):
        _element(shape, tag, str(number))
    for name, region in class_areas(annotated.mentions, with_empty=True):
        thing = ElementTree.SubElement(root, "object")
        _element(thing, "name", name)
        for tag in ("truncated", "difficult"):
            _element(thing, tag, "0")
        x1, y1, x2, y2 = map(round, bounding_box(region).to_pixels(annotated.size))
        xmin, ymin = min(x1 + 1, width), min(y1 + 1, height)  # also of an empty box
        corners = {"xmin": xmin, "ymin": ymin, "xmax": max(x2, xmin), "ymax": max(y2, ymin)}
        bounds = ElementTree.SubElement(thing, "bndbox")
        for tag, number in corners.items():
            _element(bounds, tag, str(number))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _element(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
