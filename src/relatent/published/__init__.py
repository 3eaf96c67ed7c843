"""Set published numbers beside ours."""
