"""What an unpacked tree is, holds and pins."""
