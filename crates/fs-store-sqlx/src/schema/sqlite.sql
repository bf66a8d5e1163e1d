-- Tables of Flask-Security's models, as SQLAlchemy creates them. Existing tables are not altered.
-- The only difference: keys of deleted users are not reused, because other tables may refer to them.
CREATE TABLE IF NOT EXISTS "role" (
    id INTEGER NOT NULL PRIMARY KEY,
    name VARCHAR(80) NOT NULL UNIQUE,
    description VARCHAR(255),
    permissions TEXT,
    update_datetime DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL
);

CREATE TABLE IF NOT EXISTS "user" (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    email VARCHAR(255) NOT NULL UNIQUE,
    username VARCHAR(255) UNIQUE,
    password VARCHAR(255),
    active BOOLEAN NOT NULL,
    fs_uniquifier VARCHAR(64) NOT NULL UNIQUE,
    fs_token_uniquifier VARCHAR(64) UNIQUE,
    confirmed_at DATETIME,
    last_login_at DATETIME,
    current_login_at DATETIME,
    last_login_ip VARCHAR(64),
    current_login_ip VARCHAR(64),
    login_count INTEGER,
    tf_primary_method VARCHAR(64),
    tf_totp_secret VARCHAR(255),
    tf_phone_number VARCHAR(128),
    us_totp_secrets TEXT,
    us_phone_number VARCHAR(128) UNIQUE,
    create_datetime DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL,
    update_datetime DATETIME DEFAULT (CURRENT_TIMESTAMP) NOT NULL
);

CREATE TABLE IF NOT EXISTS roles_users (
    user_id INTEGER REFERENCES "user" (id),
    role_id INTEGER REFERENCES "role" (id)
);

-- Tables of fs. Times are microseconds since 1970 in UTC.
CREATE TABLE IF NOT EXISTS fs_user_extra (
    user_id INTEGER NOT NULL PRIMARY KEY,
    attributes TEXT NOT NULL,
    recovery_codes TEXT NOT NULL DEFAULT ''
);

-- SQLite reuses the key of the last user, and other applications delete users too.
CREATE TRIGGER IF NOT EXISTS fs_user_gone AFTER DELETE ON "user" BEGIN
    DELETE FROM fs_user_extra WHERE user_id = OLD.id;
    DELETE FROM roles_users WHERE user_id = OLD.id;
END;

-- `id` is the SHA-256 of the session id, which is not stored.
CREATE TABLE IF NOT EXISTS fs_session (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    uniquifier TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT,
    expires_at BIGINT NOT NULL,
    user_agent TEXT,
    client_ip TEXT,
    parent TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fs_session_uniquifier ON fs_session (uniquifier);
CREATE INDEX IF NOT EXISTS fs_session_expires_at ON fs_session (expires_at);

-- `id` is the SHA-256 of the credential's secret, which is not stored. `value` is JSON.
CREATE TABLE IF NOT EXISTS fs_credential (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    value TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    expires_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fs_credential_user_id ON fs_credential (user_id, kind);
CREATE INDEX IF NOT EXISTS fs_credential_expires_at ON fs_credential (expires_at);

CREATE TRIGGER IF NOT EXISTS fs_user_gone_credentials AFTER DELETE ON "user" BEGIN
    DELETE FROM fs_credential WHERE user_id = OLD.id;
END;

CREATE TABLE IF NOT EXISTS fs_spent (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fs_spent_expires_at ON fs_spent (expires_at);

CREATE TABLE IF NOT EXISTS fs_counter (
    name TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fs_counter_expires_at ON fs_counter (expires_at);

CREATE TABLE IF NOT EXISTS fs_outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    template TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    text_body TEXT,
    html_body TEXT,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    last_failure TEXT
);
CREATE INDEX IF NOT EXISTS fs_outbox_due_at ON fs_outbox (due_at, seq);

CREATE TABLE IF NOT EXISTS fs_audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    user_id TEXT,
    client_ip TEXT,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS fs_audit_user_id ON fs_audit (user_id, seq);
