/*
 * Text from outside (user names, comm, cgroup paths) on its way to a terminal, a CSV file or a log line. Each function returns
 * malloc'ed text, or NULL when memory is out. Input need not be UTF-8; bytes that are not are shown as \xNN.
 */
#pragma once

/* Control characters, ESC, C1 controls, bidirectional overrides and invalid UTF-8 become \xNN or \uNNNN; printable UTF-8 stays; "\" becomes "\\". */
char *escape_terminal(const char *text);

/*
 * RFC 4180: quoted when it holds a quote, comma, CR, LF or leading/trailing blank; quotes doubled; and control characters as in
 * escape_terminal(). A text that a spreadsheet would run (leading = + - @ TAB CR) gets a leading apostrophe, as OWASP advises.
 */
char *escape_csv(const char *text);

/* For tab separated values: as escape_terminal() (which leaves no tab or newline), and the apostrophe of escape_csv(). */
char *escape_tsv(const char *text);

/* Valid UTF-8 for JSON: invalid bytes become U+FFFD; quoting is the JSON library's. */
char *escape_utf8(const char *text);
