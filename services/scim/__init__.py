"""What identity providers do by SCIM 2.0: users are profiles, groups are groups."""
