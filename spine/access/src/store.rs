//! The tables and all SQL of this crate.

use store::{Listed, migrate::Migration};

/// The steps of this crate's tables, 100 to 199.
pub const MIGRATIONS: &[Migration] = &[
    store::migration!(100, "access", Expand, "../migrations/0100_access"),
    store::migration!(110, "mail_proof", Expand, "../migrations/0110_mail_proof"),
    store::migration!(111, "passkey", Expand, "../migrations/0111_passkey"),
];

/// All statements, for the test that prepares them on both databases.
pub const STATEMENTS: &[Listed] = statement::ALL;

/// The statements, in the order of the tables.
pub(crate) mod statement {
    use store::{Insert, Listed, Statement, Upsert};

    pub(crate) const ALL: &[Listed] = &[
        ADD_ACTORS.listed(),
        FIND_ACTORS_BY_NUMBER.listed(),
        FIND_ACTORS_BY_SUBJECT.listed(),
        LAST_ACTOR.listed(),
        SAVE_API_KEYS.listed(),
        SAVE_API_KEY_SECRETS.listed(),
        FIND_API_KEYS.listed(),
        FIND_API_KEY_SECRETS.listed(),
        FIND_SECRETS_OF_API_KEYS.listed(),
        LIST_API_KEYS.listed(),
        SCAN_API_KEY_SECRETS.listed(),
        NOTE_API_KEY_USE.listed(),
        SAVE_LOGINS.listed(),
        FIND_LOGINS.listed(),
        FIND_LOGINS_OF_SUBJECTS.listed(),
        ADD_RECOVERY_CODES.listed(),
        FIND_RECOVERY_CODES.listed(),
        REMOVE_RECOVERY_CODES.listed(),
        REMOVE_RECOVERY_CODES_OF_SUBJECTS.listed(),
        SAVE_FAILURES.listed(),
        FIND_FAILURES.listed(),
        OLD_FAILURES.listed(),
        REMOVE_FAILURES.listed(),
        SAVE_SESSIONS.listed(),
        FIND_SESSIONS.listed(),
        FIND_SIGNED_IN.listed(),
        NOTE_SESSIONS_SEEN.listed(),
        REMOVE_SESSIONS.listed(),
        REMOVE_SESSIONS_OF_SUBJECTS.listed(),
        OLD_SESSIONS.listed(),
        ADD_AUDIT_ENTRIES.listed(),
        LAST_AUDIT_ENTRY.listed(),
        LIST_AUDIT_ENTRIES.listed(),
        LIST_AUDIT_ENTRIES_OF_COMPANY.listed(),
        LIST_AUDIT_ENTRIES_OF_SUBJECT.listed(),
        SCAN_AUDIT_ENTRIES.listed(),
        REMOVE_LOGINS.listed(),
        LIST_SESSIONS_OF_SUBJECT.listed(),
        SAVE_MAIL_PROOFS.listed(),
        FIND_MAIL_PROOFS.listed(),
        FIND_MAIL_PROOFS_OF_BROWSERS.listed(),
        FIND_MAIL_PROOFS_OF_LINKS.listed(),
        COUNT_MAIL_PROOFS.listed(),
        LIST_CARRIED.listed(),
        OLD_MAIL_PROOFS.listed(),
        REMOVE_MAIL_PROOFS.listed(),
        REMOVE_MAIL_PROOFS_OF_LOGINS.listed(),
        SAVE_PASSKEYS.listed(),
        FIND_PASSKEYS.listed(),
        FIND_PASSKEYS_OF_SUBJECTS.listed(),
        REMOVE_PASSKEYS.listed(),
        REMOVE_PASSKEYS_OF_SUBJECTS.listed(),
        ADD_CHALLENGES.listed(),
        FIND_CHALLENGES.listed(),
        OLD_CHALLENGES.listed(),
        REMOVE_CHALLENGES.listed(),
    ];

    pub(crate) static ADD_ACTORS: Insert = Insert {
        name: "add actors",
        table: "actor",
        columns: &["number", "company", "kind", "subject", "label"],
    };

    pub(crate) static FIND_ACTORS_BY_NUMBER: Statement = Statement::new(
        "find actors by number",
        "SELECT number, company, kind, subject, label
         FROM actor
         WHERE number IN (?*)",
    );

    // Index actor_subject.
    pub(crate) static FIND_ACTORS_BY_SUBJECT: Statement = Statement::new(
        "find actors by subject",
        "SELECT number, company, kind, subject, label
         FROM actor
         WHERE subject IN (?*)",
    );

    pub(crate) static LAST_ACTOR: Statement =
        Statement::new("last actor", "SELECT MAX(number) FROM actor");

    pub(crate) static SAVE_API_KEYS: Upsert = Upsert {
        name: "save API keys",
        table: "api_key",
        columns: &[
            "id",
            "company",
            "actor",
            "label",
            "needs",
            "created_at",
            "expires_at",
            "revoked_at",
        ],
        keys: &["id"],
        updates: &["revoked_at"],
    };

    pub(crate) static SAVE_API_KEY_SECRETS: Upsert = Upsert {
        name: "save API key secrets",
        table: "api_key_secret",
        columns: &["public_id", "api_key", "hash", "created_at", "valid_until"],
        keys: &["public_id"],
        updates: &["valid_until"],
    };

    pub(crate) static FIND_API_KEYS: Statement = Statement::new(
        "find API keys",
        "SELECT id, company, actor, label, needs, created_at, expires_at, revoked_at, last_used_on
         FROM api_key
         WHERE id IN (?*)",
    );

    pub(crate) static FIND_API_KEY_SECRETS: Statement = Statement::new(
        "find API key secrets",
        "SELECT public_id, api_key, hash, created_at, valid_until
         FROM api_key_secret
         WHERE public_id IN (?*)",
    );

    // Index api_key_secret_api_key.
    pub(crate) static FIND_SECRETS_OF_API_KEYS: Statement = Statement::new(
        "find secrets of API keys",
        "SELECT public_id, api_key, hash, created_at, valid_until
         FROM api_key_secret
         WHERE api_key IN (?*)",
    );

    // Index api_key_company.
    pub(crate) static LIST_API_KEYS: Statement = Statement::new(
        "list API keys",
        "SELECT id, company, actor, label, needs, created_at, expires_at, revoked_at, last_used_on
         FROM api_key
         WHERE company = ?
         ORDER BY id DESC
         LIMIT 1000",
    );

    pub(crate) static SCAN_API_KEY_SECRETS: Statement = Statement::new(
        "scan API key secrets",
        "SELECT s.public_id, s.hash, s.valid_until,
           k.id, k.company, k.actor, k.needs, k.expires_at, k.revoked_at, k.last_used_on
         FROM api_key_secret AS s
         JOIN api_key AS k ON k.id = s.api_key
         ORDER BY s.public_id",
    );

    pub(crate) static NOTE_API_KEY_USE: Statement = Statement::new(
        "note API key use",
        "UPDATE api_key
         SET last_used_on = ?
         WHERE (last_used_on IS NULL OR last_used_on < ?) AND id IN (?*)",
    );

    pub(crate) static SAVE_LOGINS: Upsert = Upsert {
        name: "save logins",
        table: "login",
        columns: &[
            "login_key",
            "realm",
            "subject",
            "actor",
            "company",
            "role",
            "mail",
            "password",
            "totp_salt",
            "totp_step",
            "standing",
            "revision",
            "created_at",
        ],
        keys: &["login_key"],
        updates: &["role", "password", "totp_salt", "totp_step", "standing", "revision"],
    };

    pub(crate) static FIND_LOGINS: Statement = Statement::new(
        "find logins",
        "SELECT login_key, realm, subject, actor, company, role, mail, password,
           totp_salt, totp_step, standing, revision, created_at
         FROM login
         WHERE login_key IN (?*)",
    );

    // Index login_subject.
    pub(crate) static FIND_LOGINS_OF_SUBJECTS: Statement = Statement::new(
        "find logins of subjects",
        "SELECT login_key, realm, subject, actor, company, role, mail, password,
           totp_salt, totp_step, standing, revision, created_at
         FROM login
         WHERE subject IN (?*)",
    );

    pub(crate) static REMOVE_LOGINS: Statement =
        Statement::new("remove logins", "DELETE FROM login WHERE login_key IN (?*)");

    pub(crate) static ADD_RECOVERY_CODES: Insert = Insert {
        name: "add recovery codes",
        table: "recovery_code",
        columns: &["hash", "subject"],
    };

    pub(crate) static FIND_RECOVERY_CODES: Statement = Statement::new(
        "find recovery codes",
        "SELECT hash, subject
         FROM recovery_code
         WHERE hash IN (?*)",
    );

    pub(crate) static REMOVE_RECOVERY_CODES: Statement =
        Statement::new("remove recovery codes", "DELETE FROM recovery_code WHERE hash IN (?*)");

    // Index recovery_code_subject.
    pub(crate) static REMOVE_RECOVERY_CODES_OF_SUBJECTS: Statement = Statement::new(
        "remove recovery codes of subjects",
        "DELETE FROM recovery_code WHERE subject IN (?*)",
    );

    pub(crate) static SAVE_FAILURES: Upsert = Upsert {
        name: "save sign-in failures",
        table: "sign_in_failure",
        columns: &["login_key", "failures", "failed_at", "locked_until"],
        keys: &["login_key"],
        updates: &["failures", "failed_at", "locked_until"],
    };

    pub(crate) static FIND_FAILURES: Statement = Statement::new(
        "find sign-in failures",
        "SELECT login_key, failures, failed_at, locked_until
         FROM sign_in_failure
         WHERE login_key IN (?*)",
    );

    // Index sign_in_failure_failed_at.
    pub(crate) static OLD_FAILURES: Statement = Statement::new(
        "find old sign-in failures",
        "SELECT login_key
         FROM sign_in_failure
         WHERE failed_at < ?
         ORDER BY failed_at, login_key
         LIMIT 1000",
    );

    pub(crate) static REMOVE_FAILURES: Statement = Statement::new(
        "remove sign-in failures",
        "DELETE FROM sign_in_failure WHERE login_key IN (?*)",
    );

    pub(crate) static SAVE_SESSIONS: Upsert = Upsert {
        name: "save sessions",
        table: "signed_in_session",
        columns: &["hash", "login_key", "subject", "stage", "created_at", "seen_at", "ends_at"],
        keys: &["hash"],
        updates: &["stage", "ends_at"],
    };

    pub(crate) static FIND_SESSIONS: Statement = Statement::new(
        "find sessions",
        "SELECT hash, login_key, subject, stage, created_at, seen_at, ends_at
         FROM signed_in_session
         WHERE hash IN (?*)",
    );

    // Index signed_in_session_subject.
    pub(crate) static LIST_SESSIONS_OF_SUBJECT: Statement = Statement::new(
        "list sessions of subject",
        "SELECT hash, login_key, subject, stage, created_at, seen_at, ends_at
         FROM signed_in_session
         WHERE subject = ? AND ends_at > ?
         ORDER BY seen_at DESC, hash
         LIMIT 100",
    );

    pub(crate) static FIND_SIGNED_IN: Statement = Statement::new(
        "find who is signed in",
        "SELECT s.stage, s.seen_at, s.ends_at, s.login_key,
           l.realm, l.subject, l.actor, l.company, l.role, l.totp_salt
         FROM signed_in_session AS s
         JOIN login AS l ON l.login_key = s.login_key
         WHERE s.hash = ? AND l.standing = 'open'",
    );

    pub(crate) static NOTE_SESSIONS_SEEN: Statement = Statement::new(
        "note sessions seen",
        "UPDATE signed_in_session
         SET seen_at = ?
         WHERE seen_at < ? AND hash IN (?*)",
    );

    pub(crate) static REMOVE_SESSIONS: Statement =
        Statement::new("remove sessions", "DELETE FROM signed_in_session WHERE hash IN (?*)");

    // Index signed_in_session_subject.
    pub(crate) static REMOVE_SESSIONS_OF_SUBJECTS: Statement = Statement::new(
        "remove sessions of subjects",
        "DELETE FROM signed_in_session WHERE subject IN (?*)",
    );

    // Index signed_in_session_ends_at.
    pub(crate) static OLD_SESSIONS: Statement = Statement::new(
        "find old sessions",
        "SELECT hash
         FROM signed_in_session
         WHERE ends_at < ?
         ORDER BY ends_at, hash
         LIMIT 1000",
    );

    pub(crate) static SAVE_MAIL_PROOFS: Upsert = Upsert {
        name: "save mail proofs",
        table: "mail_proof",
        columns: &[
            "id",
            "purpose",
            "login_key",
            "company",
            "mail",
            "subject",
            "browser",
            "link",
            "code",
            "carried",
            "failures",
            "made_at",
            "ends_at",
            "proven_at",
            "used_at",
        ],
        keys: &["id"],
        updates: &["browser", "failures", "proven_at", "used_at"],
    };

    pub(crate) static FIND_MAIL_PROOFS: Statement = Statement::new(
        "find mail proofs",
        "SELECT id, purpose, login_key, company, mail, subject, browser, link, code, carried,
           failures, made_at, ends_at, proven_at, used_at
         FROM mail_proof
         WHERE id IN (?*)",
    );

    // Index mail_proof_browser.
    pub(crate) static FIND_MAIL_PROOFS_OF_BROWSERS: Statement = Statement::new(
        "find mail proofs of browsers",
        "SELECT id, purpose, login_key, company, mail, subject, browser, link, code, carried,
           failures, made_at, ends_at, proven_at, used_at
         FROM mail_proof
         WHERE browser IN (?*)",
    );

    // Index mail_proof_link.
    pub(crate) static FIND_MAIL_PROOFS_OF_LINKS: Statement = Statement::new(
        "find mail proofs of links",
        "SELECT id, purpose, login_key, company, mail, subject, browser, link, code, carried,
           failures, made_at, ends_at, proven_at, used_at
         FROM mail_proof
         WHERE link IN (?*)",
    );

    // Index mail_proof_login.
    pub(crate) static COUNT_MAIL_PROOFS: Statement = Statement::new(
        "count mail proofs",
        "SELECT login_key, COUNT(*), MIN(made_at)
         FROM mail_proof
         WHERE made_at > ? AND login_key IN (?*)
         GROUP BY login_key",
    );

    // Index mail_proof_ends_at, then the login by its primary key.
    pub(crate) static LIST_CARRIED: Statement = Statement::new(
        "list what new members came with",
        "SELECT l.subject, p.carried, p.used_at
         FROM mail_proof AS p
         JOIN login AS l ON l.login_key = p.login_key
         WHERE p.ends_at > ? AND p.company = ? AND p.purpose = 'sign_up' AND p.used_at > 0
           AND p.carried IS NOT NULL
         ORDER BY p.ends_at, p.id
         LIMIT 10000",
    );

    // Index mail_proof_ends_at.
    pub(crate) static OLD_MAIL_PROOFS: Statement = Statement::new(
        "find old mail proofs",
        "SELECT id
         FROM mail_proof
         WHERE ends_at < ?
         ORDER BY ends_at, id
         LIMIT 1000",
    );

    pub(crate) static REMOVE_MAIL_PROOFS: Statement =
        Statement::new("remove mail proofs", "DELETE FROM mail_proof WHERE id IN (?*)");

    // Index mail_proof_login.
    pub(crate) static REMOVE_MAIL_PROOFS_OF_LOGINS: Statement = Statement::new(
        "remove mail proofs of logins",
        "DELETE FROM mail_proof WHERE login_key IN (?*)",
    );

    pub(crate) static SAVE_PASSKEYS: Upsert = Upsert {
        name: "save passkeys",
        table: "passkey",
        columns: &[
            "hash",
            "subject",
            "credential",
            "algorithm",
            "public_key",
            "counter",
            "label",
            "created_at",
            "used_at",
        ],
        keys: &["hash"],
        updates: &["counter", "used_at"],
    };

    pub(crate) static FIND_PASSKEYS: Statement = Statement::new(
        "find passkeys",
        "SELECT hash, subject, credential, algorithm, public_key, counter, label, created_at, used_at
         FROM passkey
         WHERE hash IN (?*)",
    );

    // Index passkey_subject.
    pub(crate) static FIND_PASSKEYS_OF_SUBJECTS: Statement = Statement::new(
        "find passkeys of subjects",
        "SELECT hash, subject, credential, algorithm, public_key, counter, label, created_at, used_at
         FROM passkey
         WHERE subject IN (?*)
         ORDER BY created_at, hash
         LIMIT 1000",
    );

    pub(crate) static REMOVE_PASSKEYS: Statement =
        Statement::new("remove passkeys", "DELETE FROM passkey WHERE hash IN (?*)");

    // Index passkey_subject.
    pub(crate) static REMOVE_PASSKEYS_OF_SUBJECTS: Statement =
        Statement::new("remove passkeys of subjects", "DELETE FROM passkey WHERE subject IN (?*)");

    pub(crate) static ADD_CHALLENGES: Upsert = Upsert {
        name: "add passkey challenges",
        table: "passkey_challenge",
        columns: &["hash", "subject", "ends_at"],
        keys: &["hash"],
        updates: &[],
    };

    pub(crate) static FIND_CHALLENGES: Statement = Statement::new(
        "find passkey challenges",
        "SELECT hash, subject, ends_at
         FROM passkey_challenge
         WHERE hash IN (?*)",
    );

    // Index passkey_challenge_ends_at.
    pub(crate) static OLD_CHALLENGES: Statement = Statement::new(
        "find old passkey challenges",
        "SELECT hash
         FROM passkey_challenge
         WHERE ends_at < ?
         ORDER BY ends_at, hash
         LIMIT 1000",
    );

    pub(crate) static REMOVE_CHALLENGES: Statement = Statement::new(
        "remove passkey challenges",
        "DELETE FROM passkey_challenge WHERE hash IN (?*)",
    );

    pub(crate) static ADD_AUDIT_ENTRIES: Insert = Insert {
        name: "add audit entries",
        table: "audit_entry",
        columns: &[
            "seq", "at", "actor", "company", "action", "subject", "outcome", "request", "hash",
        ],
    };

    pub(crate) static LAST_AUDIT_ENTRY: Statement = Statement::new(
        "last audit entry",
        "SELECT seq, hash
         FROM audit_entry
         ORDER BY seq DESC
         LIMIT 1",
    );

    pub(crate) static LIST_AUDIT_ENTRIES: Statement = Statement::new(
        "list audit entries",
        "SELECT seq, at, actor, company, action, subject, outcome, request, hash
         FROM audit_entry
         WHERE seq < ?
         ORDER BY seq DESC
         LIMIT ?",
    );

    // Index audit_entry_company.
    pub(crate) static LIST_AUDIT_ENTRIES_OF_COMPANY: Statement = Statement::new(
        "list audit entries of company",
        "SELECT seq, at, actor, company, action, subject, outcome, request, hash
         FROM audit_entry
         WHERE company = ? AND seq < ?
         ORDER BY seq DESC
         LIMIT ?",
    );

    // Index audit_entry_subject.
    pub(crate) static LIST_AUDIT_ENTRIES_OF_SUBJECT: Statement = Statement::new(
        "list audit entries of subject",
        "SELECT seq, at, actor, company, action, subject, outcome, request, hash
         FROM audit_entry
         WHERE subject = ? AND seq < ?
         ORDER BY seq DESC
         LIMIT ?",
    );

    pub(crate) static SCAN_AUDIT_ENTRIES: Statement = Statement::new(
        "scan audit entries",
        "SELECT seq, at, actor, company, action, subject, outcome, request, hash
         FROM audit_entry
         ORDER BY seq",
    );
}

#[cfg(test)]
mod tests {
    use store::testing::{assert_same_schema, for_each_database, prepare_all};

    use super::*;

    #[test]
    fn the_statements_fit_the_schema() {
        assert_same_schema(MIGRATIONS);
        for_each_database(|test| {
            test.migrate(MIGRATIONS);
            prepare_all(test.database(), STATEMENTS);
        });
    }
}
