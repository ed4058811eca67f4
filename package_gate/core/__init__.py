"""What all parts share: the gate's nouns by stage, errors, text, files, and the policy."""
