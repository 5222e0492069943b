"""What families declare of the architectures of their checkpoints."""

from vlm_demo.families import all_families, architectures
from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture


def test_every_model_type_of_every_family_has_an_architecture() -> None:
    for family in all_families().values():
        for model_type, architecture in family.model_types.items():
            assert isinstance(architecture, Architecture), f"{family.name}: {model_type}"


def test_families_agree_about_the_architectures_that_they_share() -> None:
    for family in all_families().values():
        for model_type, architecture in family.model_types.items():
            assert architectures()[model_type] == architecture


def test_only_architectures_with_shared_steps_are_recorded() -> None:
    for model_type, architecture in architectures().items():
        assert architecture.position_ids or not architecture.cuda_graphs, model_type
    assert architectures()["florence2"] == ONE_AT_A_TIME
