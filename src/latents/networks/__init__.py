"""What all networks share."""
