"""What all parts that call AWS share."""
