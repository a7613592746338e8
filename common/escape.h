/*
 * Text from outside (user names, comm, cgroup paths) on its way to a terminal, a CSV file or a log line. Each function
 * returns malloc'ed text, or NULL when memory is out. Input need not be UTF-8; bytes that are not are shown as \xNN.
 */
#pragma once

/*
 * Control characters, ESC, C1 controls, bidirectional overrides, characters without width and invalid UTF-8 become
 * \xNN, \uNNNN or \UNNNNNNNN; printable UTF-8 stays; "\" becomes "\\", so that no two texts look the same. Call it
 * once: what is escaped twice shows doubled backslashes. The log_ functions of log.h call it themselves.
 */
char *escape_terminal(const char *text);

/*
 * RFC 4180: quoted when it holds a quote, comma, semicolon or leading/trailing blank; quotes doubled. Everything else
 * as in escape_terminal(), CR and LF too, so that one record stays one line for tools that read lines. A text that a
 * spreadsheet would run (leading = + - @ TAB CR LF or a full-width form of these) gets a leading apostrophe, as OWASP
 * advises. For texts only: a negative number would get the apostrophe too.
 */
char *escape_csv(const char *text);

/*
 * For tab separated values: as escape_terminal() (which leaves no tab or newline), and the apostrophe of escape_csv(); also
 * before a quote, which a spreadsheet would take for its own and then run what follows.
 */
char *escape_tsv(const char *text);

/*
 * Valid UTF-8 for JSON: each invalid byte becomes one U+FFFD; quoting is the JSON library's. C1 controls and
 * bidirectional overrides are valid UTF-8 and stay: what may reach a terminal passes escape_json() as well.
 */
char *escape_utf8(const char *text);

/*
 * A JSON document, as a library wrote it, that says the same and is harmless on a terminal: what escape_terminal() would
 * not print is written as \uNNNN. Libraries escape C0 controls only, as JSON asks for.
 */
char *escape_json(const char *document);
