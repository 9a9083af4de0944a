"""The commands of this package, one file each. They parse, call, print; the work is done beside them."""
