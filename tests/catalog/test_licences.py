"""The table of licences says the same as the menu."""

from vlm_demo.catalog.licences import licences_by_name
from vlm_demo.catalog.menu import default_menu


def test_the_menu_agrees_where_it_is_certain() -> None:
    licences = licences_by_name()
    certain = [
        spec
        for spec in default_menu()
        if spec.licence in licences and "commercial" not in spec.unverified_fields
    ]
    assert len(certain) > 150
    assert all(spec.commercial == licences[spec.licence].commercial for spec in certain)
    assert all(licence.source.startswith("https://") for licence in licences.values())
