//! Cuts the text of a migration into statements.

use crate::statement::Dialect;

/// Tells whether a statement changes the schema, which ends a transaction on a server.
pub(crate) fn is_definition(statement: &str) -> bool {
    let word = statement.split_whitespace().next().unwrap_or_default();
    ["CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

/// Where the splitter is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    Quote(char),
    LineComment,
    BlockComment,
}

/// Splits a file into its statements, without the comments around them.
pub(crate) fn split(text: &str, dialect: Dialect) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut start = None;
    let mut inside = Inside::Code;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|&(_, next)| next);
        match inside {
            Inside::LineComment if character == '\n' => inside = Inside::Code,
            Inside::BlockComment if character == '*' && next == Some('/') => {
                characters.next();
                inside = Inside::Code;
            }
            Inside::LineComment | Inside::BlockComment => {}
            // A doubled quote ends one text and starts the next: the same for us.
            Inside::Quote(quote) if character == quote => inside = Inside::Code,
            Inside::Quote(quote) => {
                if character == '\\' && dialect == Dialect::MySql && quote != '`' {
                    characters.next();
                }
            }
            Inside::Code => match (character, next) {
                ('-', Some('-')) => inside = Inside::LineComment,
                ('/', Some('*')) => {
                    characters.next();
                    inside = Inside::BlockComment;
                }
                (';', _) => {
                    statements.extend(start.take().and_then(|start| text.get(start..at)));
                }
                (character, _) if character.is_whitespace() => {}
                _ => {
                    start = start.or(Some(at));
                    if matches!(character, '\'' | '"' | '`') {
                        inside = Inside::Quote(character);
                    }
                }
            },
        }
    }
    statements.extend(start.and_then(|start| text.get(start..)));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        let text = "-- phase: expand; really\n/* a;b */ CREATE TABLE a (b TEXT DEFAULT 'x;''y');\n\
                    -- end;\n  INSERT INTO a VALUES (\"--;\", '/*'), (`;`, 'it''s'); ;\n  SELECT 1 -- x;\n";
        for dialect in [Dialect::Sqlite, Dialect::MySql] {
            assert_eq!(
                split(text, dialect),
                [
                    "CREATE TABLE a (b TEXT DEFAULT 'x;''y')",
                    "INSERT INTO a VALUES (\"--;\", '/*'), (`;`, 'it''s')",
                    "SELECT 1 -- x;\n",
                ],
                "{dialect}"
            );
        }
    }

    #[test]
    fn a_backslash_escapes_on_a_server_only() {
        assert_eq!(split(r"SELECT '\'; SELECT 1", Dialect::Sqlite).len(), 2);
        assert_eq!(split(r"SELECT '\';'; SELECT 1", Dialect::MySql).len(), 2);
        assert_eq!(split("SELECT '口座;'; SELECT 1", Dialect::MySql).len(), 2);
    }

    #[test]
    fn nothing_is_no_statement() {
        for text in ["", " \n", "-- only a comment", ";;", "/* a */ ; -- b"] {
            assert_eq!(split(text, Dialect::MySql), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn definitions_are_known() {
        for text in ["create table a", "ALTER\nTABLE b", "DROP INDEX c"] {
            assert!(is_definition(text), "{text}");
        }
        for text in ["INSERT INTO a", "UPDATE created", ""] {
            assert!(!is_definition(text), "{text}");
        }
    }
}
