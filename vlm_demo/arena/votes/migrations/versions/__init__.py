"""The versions. A new one names the one before it as its `down_revision`."""
