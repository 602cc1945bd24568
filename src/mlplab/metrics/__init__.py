"""What a trained network's outputs are worth: right and wrong, ranking, and calibration."""
