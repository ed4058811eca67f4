"""What the stages of a run hand to each other: the plan, the bytes by digest, what scans found."""
