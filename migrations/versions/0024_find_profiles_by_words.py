"""Find profiles by the words of their names and addresses, in an index."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Signs part words, whatever they mean elsewhere: sam.sample@example.com is four words, and so it is
# where it is asked for.
SIGNS = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
SPACES = " " * (len(SIGNS) - 1)

# A body that is parsed once and calls nothing of ours is inlined; an index on it can be analysed,
# for which there is no search path. Attributes have an index of their own: their words would double
# what an import costs the database.
PROFILE = f"""
    CREATE FUNCTION profile_words(
        name text, email text, phone text, telegram text, whatsapp text, external_id text,
        addresses jsonb
    ) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('simple', left(translate(
        coalesce(name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '')
        || ' ' || coalesce(telegram, '') || ' ' || coalesce(whatsapp, '')
        || ' ' || coalesce(external_id, '')
        || CASE WHEN addresses = '[]' THEN ''
            ELSE ' ' || jsonb_path_query_array(addresses, '$[*].address')::text END,
        '{SIGNS}', '{SPACES}'), 100000))
"""

QUERY = f"""
    CREATE FUNCTION words_query(said text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
        RETURN to_tsquery('simple', nullif(regexp_replace(
            btrim(translate(said, '{SIGNS}', '{SPACES}')), '\\s+', ':* & ', 'g'), '') || ':*');
    END $$
"""

INDEX = """
    CREATE INDEX profiles_words ON profiles USING gin (profile_words(
        name, email, phone, telegram, whatsapp, external_id, addresses))
"""


def upgrade() -> None:
    for statement in (PROFILE, QUERY, INDEX):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX profiles_words")
    op.execute("DROP FUNCTION words_query, profile_words")
