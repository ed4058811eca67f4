"""Our own rules: malware told by what code does when it runs by itself."""
