/* In place of the page where it is left out. */
#include "serve/page.h"

const struct page_file page_files[1];
const size_t page_n_files = 0;
