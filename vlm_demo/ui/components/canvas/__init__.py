"""The picture component: it shows the regions of an answer and takes those that people mark."""
