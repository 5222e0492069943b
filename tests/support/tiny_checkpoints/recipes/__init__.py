"""What each tiny checkpoint needs beyond the defaults of its model type, by lineage."""
