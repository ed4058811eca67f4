"""What of an unpacked artifact runs by itself, and what the build of a source tree reaches."""
