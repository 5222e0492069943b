"""One module for each command, named for it; `vlm_demo.cli.main` puts them together."""
