"""Where members of audiences come from outside: directories, databases, other people's systems."""
