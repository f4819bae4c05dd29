"""The commands of ./huiyin, one file each, registered in streams.cli."""
