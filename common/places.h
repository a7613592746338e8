/* Where things are unless somebody says otherwise; the programs and the configuration's defaults agree by this file. */
#pragma once

#define DEFAULT_DATABASE "/var/lib/pdtt/pdtt.db"
#define DEFAULT_SOCKET   "/run/pdtt/query.sock"   /* of pdtt-serve */
#define DEFAULT_CONTROL  "/run/pdtt/control.sock" /* of pdttd */
