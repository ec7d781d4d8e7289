"""The embedded system of `tocsin up`: real servers, supervised, in one folder."""
