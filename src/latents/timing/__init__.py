"""Everything that measures seconds."""
