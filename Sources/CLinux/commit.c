#include "shim.h"

// commit.h is written by Scripts/commit when a make target builds; archive.h is filled in by
// git archive, so that a tarball of the sources knows its commit, too.
#if __has_include("commit.h")
#include "commit.h"
#else
#include "archive.h"
#endif

const char *clinux_commit(void) { return COMMIT; }
