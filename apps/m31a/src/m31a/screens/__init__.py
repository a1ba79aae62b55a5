"""The screens: one file each. None knows another; they name one another through the catalogue."""
