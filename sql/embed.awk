# Turns SQL files into a C header: sql/0001_create.sql becomes the string constant sql_0001_create. Comments stay in
# the text on purpose: SQLite keeps them in the schema, where ".schema" shows them to whoever opens the database.
FNR == 1 {
    if (NR > 1)
        print "    ;"
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.sql$/, "", name)
    gsub(/[^A-Za-z0-9_]/, "_", name)
    print "static const char sql_" name "[] ="
}
{
    text = ""
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        text = text ((c == "\\" || c == "\"") ? "\\" c : c)
    }
    print "    \"" text "\\n\""
}
END {
    if (NR)
        print "    ;"
}
