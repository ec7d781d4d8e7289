"""ldap3, loaded without its warnings: it asks pyasn1 for tables by names that are old there.

It is the only client in plain Python: the others (bonsai, python-ldap) are built against the
headers of OpenLDAP, which not every machine has.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core import exceptions as told
    from ldap3.utils.conv import escape_filter_chars as escape
    from ldap3.utils.dn import parse_dn

__all__ = ["escape", "ldap3", "parse_dn", "told"]
